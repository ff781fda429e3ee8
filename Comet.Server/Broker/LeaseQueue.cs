namespace Comet.Server.Broker;

/// <summary>Some of 64 neighbouring messages that were delivered together, and when their lease is over.</summary>
internal readonly record struct Lease(long Deadline, long Block, ulong Mask, MessageState State);

/// <summary>The leases of a subscription in the order in which they end, which is the order in which they began. One that was acked, given
/// back or extended is left where it is and recognised by its state, which is not the message's any more.</summary>
internal sealed class LeaseQueue(DeliveryTable table)
{
    private const int FewLeases = 1024;

    private readonly Queue<Lease> _leases = new();

    /// <summary>When the next lease is over; <see cref="long.MaxValue"/> when none runs.</summary>
    public long NextDue
    {
        get
        {
            while (_leases.TryPeek(out var lease))
            {
                if (table.Match(lease.Block, lease.Mask, lease.State) != 0)
                    return lease.Deadline;
                _leases.Dequeue();
            }
            return long.MaxValue;
        }
    }

    public int Count => _leases.Count;

    public void Add(long deadline, OffsetRange range, MessageState state)
    {
        for (var at = range.First; at <= range.Last; at = (at | (BlockMask.Size - 1)) + 1)
        {
            var block = at >> BlockMask.Shift;
            var start = block << BlockMask.Shift;
            Add(new(deadline, block, BlockMask.Of((int)(at - start), (int)Math.Min(range.Last - start, BlockMask.Size - 1)), state));
        }
    }

    public void Add(in Lease lease)
    {
        if (_leases.Count > FewLeases && _leases.Count > 2 * table.CountOf(MessageStage.InFlight))
            DropEnded();
        _leases.Enqueue(lease with { State = lease.State.WithoutKeySlot() });
    }

    /// <summary>Takes the next lease that is over, with those of its messages that are still under it.</summary>
    public bool TryTakeOver(long now, out Lease lease)
    {
        while (_leases.TryPeek(out lease) && lease.Deadline <= now)
        {
            _leases.Dequeue();
            lease = lease with { Mask = table.Match(lease.Block, lease.Mask, lease.State) };
            if (lease.Mask != 0)
                return true;
        }
        return false;
    }

    public void Clear() => _leases.Clear();

    private void DropEnded()
    {
        for (var left = _leases.Count; left > 0; left--)
        {
            var lease = _leases.Dequeue();
            if (table.Match(lease.Block, lease.Mask, lease.State) != 0)
                _leases.Enqueue(lease);
        }
    }
}
