namespace Comet.Server.Broker;

/// <summary>What became of a request about one scheduled message.</summary>
internal enum DelayOutcome
{
    Done,
    Released,
    Unknown,
}

/// <summary>Which messages of a partition wait for their time, and when it comes. A message that waits has its bit in
/// <see cref="Pending"/>, and that alone decides: release and cancel both take it away, so that one of them comes first.</summary>
/// <remarks>
/// Everything here can be had again from the log (each record has its time) and from two small sets, <see cref="Moved"/> and
/// <see cref="Cancelled"/>, which is all that storage has to keep beside it. Entries of <see cref="DelayBuckets"/> are not looked for when
/// a message is cancelled or moved; they are passed over when their time comes, or swept when they are more than those that count
/// (decision 0040).
/// </remarks>
internal sealed class DelayIndex(ScheduleBudget budget) : IPendingOffsets
{
    // Below this, sweeping saves nothing.
    private const int MinSweep = 1024;

    private static readonly Comparer<DueOffset> s_descending =
        Comparer<DueOffset>.Create(static (a, b) => DueOrder.Ascending.Compare(b, a));

    private readonly DelayBuckets _buckets = new();
    private readonly KeyedOffsets _keys = new();
    private readonly OffsetBits _pending = new();
    private readonly OffsetBits _cancelled = new();
    private readonly Dictionary<long, MovedDue> _moved = [];

    /// <summary>The offsets that wait.</summary>
    public OffsetBits Pending => _pending;

    /// <summary>The offsets that were cancelled while they waited, and are still in the log.</summary>
    public OffsetBits Cancelled => _cancelled;

    /// <summary>The offsets whose time was changed, as long as that matters.</summary>
    public IReadOnlyDictionary<long, MovedDue> Moved => _moved;

    /// <summary>How many messages wait.</summary>
    public long Count => _pending.Count;

    /// <summary>How many entries it keeps, those that do not count any more too.</summary>
    public long EntryCount => _buckets.Count + _keys.Count;

    /// <summary>When <see cref="TryRelease"/> is to be called next; <see cref="long.MaxValue"/> for never.</summary>
    public long NextDue => Count == 0 ? long.MaxValue : _buckets.NextDue;

    public ScheduleBudget Budget => budget;

    /// <summary>Adds a message; room for it was taken from the budget.</summary>
    public void Add(long offset, long due, int? keyHash)
    {
        _pending.Add(offset);
        _buckets.Add(new(due, offset));
        if (keyHash is { } hash)
            _keys.Add(hash, offset);
    }

    /// <summary>Adds a message that was found in the log, as it stood at that time; what was accepted once is not refused for a
    /// limit.</summary>
    public void Restore(long offset, MovedDue time, int? keyHash, long now)
    {
        if (time.Due > now && !_pending.Contains(offset))
        {
            budget.Take(1);
            Add(offset, time.Due, keyHash);
        }
        if (time.Due == time.Original || (time.Original <= now && time.Due <= now))
            return;
        _moved[offset] = time;
        if (time.Original > time.Due)
            _buckets.Add(new(time.Original, offset));
    }

    /// <summary>Adds a message that was found in the log and is cancelled.</summary>
    public void RestoreCancelled(long offset) => _cancelled.Add(offset);

    /// <summary>Adds what was saved of a stretch of the log, as it stood at that time.</summary>
    public void Restore(DelayState saved, ChangedSchedules changed, OffsetRange range, long now)
    {
        foreach (var (due, offset) in saved.Waiting)
        {
            if (offset >= range.First && !changed.Cancelled.Contains(offset) && !changed.Moved.ContainsKey(offset))
                Restore(offset, new(due, due), null, now);
        }
        foreach (var (offset, time) in changed.Moved)
        {
            if (offset >= range.First && offset <= range.Last && !changed.Cancelled.Contains(offset))
                Restore(offset, time, null, now);
        }
        for (var at = changed.Cancelled.NextSet(range.First); at <= range.Last; at = changed.Cancelled.NextSet(at + 1))
            RestoreCancelled(at);
        foreach (var (hash, offset) in saved.Keys)
        {
            if (_pending.Contains(offset))
                _keys.Add(hash, offset);
        }
    }

    /// <summary>What has to be kept of it beside what was moved and what was cancelled.</summary>
    public DelayState Save()
    {
        var waiting = new List<DueOffset>();
        _buckets.Visit(long.MinValue, long.MaxValue, entry =>
        {
            if (_pending.Contains(entry.Offset) && !_moved.ContainsKey(entry.Offset))
                waiting.Add(entry);
        }, static () => true);
        var keys = new List<KeyedOffset>();
        _keys.CopyAll(_pending, keys);
        return new(waiting, keys);
    }

    /// <summary>About how many bytes that takes when it is stored.</summary>
    public static long SizeOf(DelayState saved) => (8L * saved.Waiting.Count) + (8L * saved.Keys.Count);

    /// <summary>Takes the next message that is due, in the order of due time and offset.</summary>
    public bool TryRelease(long now, out long offset)
    {
        while (_buckets.TryTake(now, out var entry))
        {
            offset = entry.Offset;
            var isCurrent = true;
            if (_moved.Count > 0 && _moved.TryGetValue(offset, out var moved))
            {
                isCurrent = moved.Due == entry.Due;
                // After the later of both times it does not matter any more when the log was read anew.
                if (entry.Due >= Math.Max(moved.Due, moved.Original))
                    _moved.Remove(offset);
            }
            if (!isCurrent || !_pending.Remove(offset))
                continue;
            budget.Return(1);
            SweepKeys();
            return true;
        }
        offset = -1;
        return false;
    }

    /// <summary>Cancels a message that waits; false when it does not.</summary>
    public bool Cancel(long offset)
    {
        if (!_pending.Remove(offset))
            return false;
        budget.Return(1);
        _moved.Remove(offset);
        _cancelled.Add(offset);
        SweepKeys();
        SweepBuckets();
        return true;
    }

    /// <summary>Moves a message that waits to another time, which may be past; false when it does not wait.</summary>
    /// <param name="offset">The message.</param>
    /// <param name="original">The time in its record.</param>
    /// <param name="due">The new time.</param>
    public bool Reschedule(long offset, long original, long due)
    {
        if (!_pending.Contains(offset))
            return false;
        if (GetDue(offset, original) == due)
            return true;
        _moved[offset] = new(due, original);
        _buckets.Add(new(due, offset));
        SweepBuckets();
        return true;
    }

    /// <summary>When a message that waits is due.</summary>
    public long GetDue(long offset, long original) => _moved.TryGetValue(offset, out var moved) ? moved.Due : original;

    public OffsetRange NextDeliverable(Subscription subscription, OffsetRange range)
    {
        var first = range.First;
        while (first <= range.Last)
        {
            if (_pending.NextClear(first) is var next && next > first)
            {
                first = next;
                continue;
            }
            next = _cancelled.NextClear(first);
            if (next == first)
                break;
            // Subscriptions that were there have skipped it when it was cancelled; this one is newer, or began anew.
            next = Math.Min(next, range.Last + 1);
            subscription.Skip(new(first, next - 1));
            first = next;
        }
        return new(first, Math.Min(range.Last, Math.Min(_pending.NextSet(first), _cancelled.NextSet(first)) - 1));
    }

    /// <summary>Copies the offsets that wait under a hash of a key, ascending; some may have another key.</summary>
    public void CopyKeyed(int keyHash, List<long> target)
    {
        _keys.CopyTo(keyHash, target);
        target.RemoveAll(offset => !_pending.Contains(offset));
    }

    /// <summary>The first messages behind <paramref name="after"/> that are due from <paramref name="from"/> to <paramref name="to"/>, at
    /// most <paramref name="limit"/>, in the order of due time and offset.</summary>
    public void CopyPage(DueOffset after, long from, long to, int limit, List<DueOffset> target)
    {
        var first = new PriorityQueue<DueOffset, DueOffset>(s_descending);
        var seen = new HashSet<DueOffset>();
        _buckets.Visit(Math.Max(from, after.Due), to, entry =>
        {
            if (DueOrder.Ascending.Compare(entry, after) <= 0 || !IsCurrent(entry)
                || (_moved.ContainsKey(entry.Offset) && !seen.Add(entry)))
                return;
            if (first.Count < limit)
                first.Enqueue(entry, entry);
            else if (DueOrder.Ascending.Compare(entry, first.Peek()) < 0)
                first.EnqueueDequeue(entry, entry);
        }, () => first.Count < limit);
        while (first.TryDequeue(out var entry, out _))
            target.Add(entry);
        target.Reverse();
    }

    /// <summary>How many messages are due from one time to another, both included.</summary>
    public long CountBetween(long from, long to)
    {
        if (from == long.MinValue && to == long.MaxValue)
            return Count;
        var count = 0L;
        var seen = new HashSet<long>();
        _buckets.Visit(from, to, entry =>
        {
            if (IsCurrent(entry) && (!_moved.ContainsKey(entry.Offset) || seen.Add(entry.Offset)))
                count++;
        }, static () => true);
        return count;
    }

    /// <summary>The log begins at <paramref name="startOffset"/> now.</summary>
    public void Truncated(long startOffset)
    {
        if (_cancelled.Count > 0)
            _cancelled.RemoveBelow(startOffset);
    }

    /// <summary>Gives back what it has taken from the budget; it is not used again.</summary>
    public void Close()
    {
        budget.Return(Count);
        _pending.RemoveBelow(long.MaxValue);
    }

    private bool IsCurrent(DueOffset entry) =>
        _pending.Contains(entry.Offset) && (!_moved.TryGetValue(entry.Offset, out var moved) || moved.Due == entry.Due);

    private void SweepBuckets()
    {
        if (_buckets.Count <= MinSweep + (2 * (Count + _moved.Count)))
            return;
        var seen = new HashSet<DueOffset>();
        _buckets.Compact(entry => _moved.TryGetValue(entry.Offset, out var moved)
            ? (entry.Due == moved.Due || entry.Due == Math.Max(moved.Due, moved.Original)) && seen.Add(entry)
            : _pending.Contains(entry.Offset));
    }

    private void SweepKeys()
    {
        if (_keys.Count > MinSweep + (2 * Count))
            _keys.Compact(_pending);
    }
}

/// <summary>The time that a message was moved to, and the one in its record.</summary>
internal readonly record struct MovedDue(long Due, long Original);
