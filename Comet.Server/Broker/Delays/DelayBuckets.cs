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
    private readonly Dictionary<long, Bucket> _buckets = [];
    private readonly SortedSet<long> _order = [];
    private readonly PriorityQueue<long, DueOffset> _near = new(DueOrder.Ascending);
    private long _nearEnd = long.MinValue;
    private Bucket? _last;

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
        // What follows goes mostly into the bucket before.
        if (_last is null || _last.Number != bucket)
            _last = Open(bucket);
        _last.Head = _far.Add(entry, _last.Head);
    }

    /// <summary>Takes the first entry that is due.</summary>
    public bool TryTake(long now, out DueOffset entry)
    {
        if (!TryPeek(now, out entry))
            return false;
        Take();
        return true;
    }

    /// <summary>The first entry that is due, which stays.</summary>
    public bool TryPeek(long now, out DueOffset entry)
    {
        MoveNear((now >> BucketShift) + 1);
        return _near.TryPeek(out _, out entry) && entry.Due <= now;
    }

    /// <summary>Takes the entry that <see cref="TryPeek"/> has found.</summary>
    public void Take() => _near.Dequeue();

    /// <summary>Calls <paramref name="visit"/> with all entries from one time to another, both included, a stretch of time after the
    /// other and unsorted within; ends when it returns false at the end of a stretch.</summary>
    public void Visit(long from, long to, Action<DueOffset> visit, Func<bool> goOn)
    {
        foreach (var (_, entry) in _near.UnorderedItems)
        {
            if (entry.Due >= from && entry.Due <= to)
                visit(entry);
        }
        foreach (var bucket in _order.GetViewBetween(from >> BucketShift, Math.Max(from, to) >> BucketShift))
        {
            if (!goOn())
                return;
            for (var at = _buckets[bucket].Head; at >= 0; at = _far.Next(at))
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
        _buckets.Clear();
        _order.Clear();
        _last = null;
        foreach (var entry in kept)
            Add(entry);
    }

    private Bucket Open(long number)
    {
        if (_buckets.TryGetValue(number, out var bucket))
            return bucket;
        _buckets.Add(number, bucket = new Bucket(number));
        _order.Add(number);
        return bucket;
    }

    private void MoveNear(long last)
    {
        if (last < _nearEnd)
            return;
        _nearEnd = last + 1;
        if (_order.Count == 0)
            return;
        _last = null;
        while (_order.Count > 0 && _order.Min is var bucket && bucket <= last)
        {
            _order.Remove(bucket);
            _buckets.Remove(bucket, out var taken);
            for (var at = taken!.Head; at >= 0;)
            {
                var (entry, next) = _far.Take(at);
                _near.Enqueue(entry.Offset, entry);
                at = next;
            }
        }
    }

    private sealed class Bucket(long number)
    {
        public long Number { get; } = number;

        /// <summary>Its first entry; -1: none.</summary>
        public int Head { get; set; } = -1;
    }
}
