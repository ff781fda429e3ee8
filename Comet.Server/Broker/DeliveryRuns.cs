namespace Comet.Server.Broker;

/// <summary>Messages that were sent to one consumer together and stand in the same state: a row for a stretch of offsets, not for
/// each message.</summary>
internal readonly record struct DeliveryRun(OffsetRange Range, Consumer? Consumer, int DeliveryCount);

/// <summary>Runs sorted by offset that do not overlap. Front and back are cheap, since acks come mostly in order; the middle costs a
/// move of what stands behind it. Allocates only to grow.</summary>
internal sealed class DeliveryRuns
{
    private DeliveryRun[] _runs = new DeliveryRun[8];
    private int _first;

    public int RunCount { get; private set; }

    /// <summary>How many offsets the runs cover.</summary>
    public long Count { get; private set; }

    public DeliveryRun this[int index] => _runs[_first + index];

    public void Add(in DeliveryRun run)
    {
        var index = FirstEndingAtOrAfter(run.Range.First);
        Count += run.Range.Count;
        if (index > 0 && TryJoin(_first + index - 1, run))
            return;
        Insert(index, run);
    }

    /// <summary>Removes a range; returns how many offsets were removed. Each removed piece is reported with its consumer.</summary>
    public long Remove(OffsetRange range, Action<Consumer, long>? removed = null)
    {
        var total = 0L;
        var index = FirstEndingAtOrAfter(range.First);
        while (index < RunCount && this[index].Range.First <= range.Last)
        {
            var run = this[index];
            var overlap = new OffsetRange(Math.Max(range.First, run.Range.First), Math.Min(range.Last, run.Range.Last));
            total += overlap.Count;
            if (run.Consumer is not null)
                removed?.Invoke(run.Consumer, overlap.Count);
            index = Cut(index, run, overlap);
        }
        Count -= total;
        return total;
    }

    /// <summary>Takes the run that begins first.</summary>
    public DeliveryRun TakeFirst()
    {
        var run = this[0];
        RemoveAt(0);
        Count -= run.Range.Count;
        return run;
    }

    /// <summary>Puts the end of a taken run back.</summary>
    public void PutBack(in DeliveryRun run)
    {
        Insert(FirstEndingAtOrAfter(run.Range.First), run);
        Count += run.Range.Count;
    }

    /// <summary>Copies the runs of a consumer (or all) within a range to <paramref name="target"/>, not removing them.</summary>
    public void CopyTo(List<DeliveryRun> target, Consumer? consumer, OffsetRange range)
    {
        for (var i = FirstEndingAtOrAfter(range.First); i < RunCount && this[i].Range.First <= range.Last; i++)
        {
            var run = this[i];
            if (consumer is not null && run.Consumer != consumer)
                continue;
            target.Add(run with { Range = new(Math.Max(range.First, run.Range.First), Math.Min(range.Last, run.Range.Last)) });
        }
    }

    /// <summary>Removes <paramref name="overlap"/> from the run; returns the index to go on at.</summary>
    private int Cut(int index, in DeliveryRun run, OffsetRange overlap)
    {
        var hasHead = overlap.First > run.Range.First;
        var hasTail = overlap.Last < run.Range.Last;
        var tail = run with { Range = new(overlap.Last + 1, run.Range.Last) };
        if (!hasHead && !hasTail)
        {
            RemoveAt(index);
            return index;
        }
        if (!hasHead)
        {
            _runs[_first + index] = tail;
            return index;
        }
        _runs[_first + index] = run with { Range = new(run.Range.First, overlap.First - 1) };
        if (hasTail)
            Insert(index + 1, tail);
        return index + 1;
    }

    private bool TryJoin(int at, in DeliveryRun run)
    {
        var before = _runs[at];
        if (before.Range.Last + 1 != run.Range.First || before.Consumer != run.Consumer || before.DeliveryCount != run.DeliveryCount)
            return false;
        _runs[at] = before with { Range = new(before.Range.First, run.Range.Last) };
        return true;
    }

    private void Insert(int index, in DeliveryRun run)
    {
        MakeRoom();
        Array.Copy(_runs, _first + index, _runs, _first + index + 1, RunCount - index);
        _runs[_first + index] = run;
        RunCount++;
    }

    private void RemoveAt(int index)
    {
        if (index == 0)
        {
            _runs[_first++] = default;
        }
        else
        {
            Array.Copy(_runs, _first + index + 1, _runs, _first + index, RunCount - index - 1);
            _runs[_first + RunCount - 1] = default;
        }
        if (--RunCount == 0)
            _first = 0;
    }

    private void MakeRoom()
    {
        if (_first + RunCount < _runs.Length)
            return;
        // At least half free at the front: move down; otherwise grow.
        var target = _first >= _runs.Length / 2 ? _runs : new DeliveryRun[_runs.Length * 2];
        Array.Copy(_runs, _first, target, 0, RunCount);
        if (target == _runs)
            Array.Clear(_runs, RunCount, _runs.Length - RunCount);
        (_runs, _first) = (target, 0);
    }

    private int FirstEndingAtOrAfter(long offset)
    {
        var (low, high) = (0, RunCount);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (this[middle].Range.Last < offset)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}
