namespace Comet.Server.Broker;

/// <summary>The messages that were left out and are to be delivered for the first time now, in the order in which they became due. One that
/// was acked or skipped meanwhile is recognised by its state.</summary>
internal sealed class ReleasedRow(DeliveryTable table)
{
    private readonly Queue<long> _row = new();

    public void Add(long offset) => _row.Enqueue(offset);

    public void Clear() => _row.Clear();

    /// <summary>The first one and its neighbours that follow it, at most so many; none: its first is behind its last.</summary>
    public OffsetRange Peek(long most)
    {
        while (_row.TryPeek(out var first) && !IsReleased(first))
            _row.Dequeue();
        var range = new OffsetRange(0, -1);
        foreach (var next in _row)
        {
            if (range.Count == 0)
                range = new(next, next);
            else if (next == range.Last + 1 && range.Count < most && IsReleased(next))
                range = range with { Last = next };
            else
                break;
        }
        return range;
    }

    private bool IsReleased(long offset) => table[offset].Stage == MessageStage.Released;
}
