namespace Comet.Server.Broker;

/// <summary>A message's place in time.</summary>
internal readonly record struct DueOffset(long Due, long Offset);

/// <summary>By when messages are due, and among equals by offset.</summary>
internal sealed class DueOrder : IComparer<DueOffset>
{
    public static readonly DueOrder Ascending = new();

    public int Compare(DueOffset x, DueOffset y) => x.Due != y.Due ? x.Due.CompareTo(y.Due) : x.Offset.CompareTo(y.Offset);
}

/// <summary>Offsets by when they are due. What is far away lies unsorted in buckets of about a second; what is near is in a heap. Adding
/// costs the same whatever there is, and an entry is moved once.</summary>
internal sealed class DelayBuckets
{
    // 2^20 microseconds, about a second: what a second holds is sorted at a time, which is little at any rate that can be delivered.
    private const int BucketShift = 20;

    private readonly LinkedEntries _far = new();
    private readonly Dictionary<long, int> _heads = [];
    private readonly SortedSet<long> _order = [];
    private readonly PriorityQueue<long, DueOffset> _near = new(DueOrder.Ascending);
    private long _nearEnd = long.MinValue;
    private long _lastBucket = long.MinValue;
    private int _lastHead = -1;

    /// <summary>How many entries there are.</summary>
    public long Count => _near.Count + _far.Count;

    /// <summary>When to look again: not later than when the first entry is due; <see cref="long.MaxValue"/> when there is none.</summary>
    public long NextDue
    {
        get
        {
            if (_near.TryPeek(out _, out var first))
                return first.Due;
            return _order.Count == 0 ? long.MaxValue : _order.Min << BucketShift;
        }
    }

    public void Add(DueOffset entry)
    {
        var bucket = entry.Due >> BucketShift;
        if (bucket < _nearEnd)
        {
            _near.Enqueue(entry.Offset, entry);
            return;
        }
        if (bucket != _lastBucket)
            Open(bucket);
        _lastHead = _far.Add(entry, _lastHead);
    }

    /// <summary>Takes the first entry that is due.</summary>
    public bool TryTake(long now, out DueOffset entry)
    {
        MoveNear((now >> BucketShift) + 1);
        if (!_near.TryPeek(out _, out entry) || entry.Due > now)
            return false;
        _near.Dequeue();
        return true;
    }

    /// <summary>Calls <paramref name="visit"/> with all entries from one time to another, both included, a stretch of time after the
    /// other and unsorted within; ends when it returns false at the end of a stretch.</summary>
    public void Visit(long from, long to, Action<DueOffset> visit, Func<bool> goOn)
    {
        foreach (var (_, entry) in _near.UnorderedItems)
        {
            if (entry.Due >= from && entry.Due <= to)
                visit(entry);
        }
        Close();
        foreach (var bucket in _order.GetViewBetween(from >> BucketShift, Math.Max(from, to) >> BucketShift))
        {
            if (!goOn())
                return;
            for (var at = _heads[bucket]; at >= 0; at = _far.Next(at))
            {
                if (_far[at] is var entry && entry.Due >= from && entry.Due <= to)
                    visit(entry);
            }
        }
    }

    /// <summary>Keeps only what is wanted: entries of cancelled and moved messages would otherwise stay until their time.</summary>
    public void Compact(Func<DueOffset, bool> isWanted)
    {
        var kept = new List<DueOffset>();
        Visit(long.MinValue, long.MaxValue, entry =>
        {
            if (isWanted(entry))
                kept.Add(entry);
        }, static () => true);
        _near.Clear();
        _far.Clear();
        _heads.Clear();
        _order.Clear();
        (_lastBucket, _lastHead) = (long.MinValue, -1);
        foreach (var entry in kept)
            Add(entry);
    }

    private void Open(long bucket)
    {
        Close();
        _lastBucket = bucket;
        if (_heads.TryGetValue(bucket, out _lastHead))
            return;
        _lastHead = -1;
        _order.Add(bucket);
    }

    /// <summary>The head of the bucket that was added to last is kept aside, since what follows goes mostly there too.</summary>
    private void Close()
    {
        if (_lastBucket != long.MinValue)
            _heads[_lastBucket] = _lastHead;
    }

    private void MoveNear(long last)
    {
        if (last < _nearEnd)
            return;
        _nearEnd = last + 1;
        if (_order.Count == 0)
            return;
        Close();
        (_lastBucket, _lastHead) = (long.MinValue, -1);
        while (_order.Count > 0 && _order.Min is var bucket && bucket <= last)
        {
            _order.Remove(bucket);
            _heads.Remove(bucket, out var head);
            for (var at = head; at >= 0;)
            {
                var (entry, next) = _far.Take(at);
                _near.Enqueue(entry.Offset, entry);
                at = next;
            }
        }
    }
}
