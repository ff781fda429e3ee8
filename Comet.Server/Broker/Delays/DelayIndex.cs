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
internal sealed partial class DelayIndex : IPendingOffsets
{
    // Below this, sweeping saves nothing.
    private const int MinSweep = 1024;

    private static readonly Comparer<DueOffset> s_descending =
        Comparer<DueOffset>.Create(static (a, b) => DueOrder.Ascending.Compare(b, a));

    private readonly ScheduleBudget _budget;
    private readonly DelaySpill? _spill;
    private readonly OffsetBits _pending = new();
    private readonly OffsetBits _cancelled = new();
    private readonly Dictionary<long, MovedDue> _moved = [];
    private DelayLayer _memory = new();

    // The latest time up to which was released; the clock may have been set back since.
    private long _passed = long.MinValue;

    /// <param name="budget">The room for what waits.</param>
    /// <param name="spill">Where goes what is too much for memory; null where all stays in memory.</param>
    public DelayIndex(ScheduleBudget budget, DelaySpill? spill = null)
    {
        (_budget, _spill) = (budget, spill);
        if (spill is not null)
            spill.Finished = Finish;
    }

    /// <summary>The offsets that wait.</summary>
    public OffsetBits Pending => _pending;

    /// <summary>The offsets that were cancelled while they waited, and are still in the log.</summary>
    public OffsetBits Cancelled => _cancelled;

    /// <summary>The offsets whose time was changed, as long as that matters.</summary>
    public IReadOnlyDictionary<long, MovedDue> Moved => _moved;

    /// <summary>How many messages wait.</summary>
    public long Count => _pending.Count;

    /// <summary>How many entries it keeps in memory, those that do not count any more too.</summary>
    public long EntryCount => _memory.Times.Count + _memory.Keys.Count;

    /// <summary>When <see cref="TryRelease"/> is to be called next; <see cref="long.MaxValue"/> for never.</summary>
    public long NextDue => Count == 0 ? long.MaxValue
        : Math.Min(_memory.Times.NextDue, _spill?.NextDue ?? long.MaxValue);

    public ScheduleBudget Budget => _budget;

    /// <summary>Adds a message; room for it was taken from the budget.</summary>
    public void Add(long offset, long due, int? keyHash)
    {
        _pending.Add(offset);
        _memory.Times.Add(new(due, offset));
        if (keyHash is { } hash)
            _memory.Keys.Add(hash, offset);
        _added++;
    }

    /// <summary>Adds a message that was found in the log, as it stood at that time; what was accepted once is not refused for a
    /// limit.</summary>
    /// <param name="offset">The message.</param>
    /// <param name="time">When it is due.</param>
    /// <param name="isMoved">Whether that was changed, though it may be as it was: there may be several entries of it then.</param>
    /// <param name="keyHash">The hash of its key; null for none, or when that is known from elsewhere.</param>
    /// <param name="now">Microseconds since the Unix epoch.</param>
    public void Restore(long offset, MovedDue time, bool isMoved, int? keyHash, long now)
    {
        if (time.Due > now && !_pending.Contains(offset))
        {
            _budget.Take(1);
            Add(offset, time.Due, keyHash);
        }
        if (!isMoved || (time.Original <= now && time.Due <= now))
            return;
        _moved[offset] = time;
        if (time.Original > time.Due)
            _memory.Times.Add(new(time.Original, offset));
    }

    /// <summary>Adds a message that was found in the log and is cancelled.</summary>
    public void RestoreCancelled(long offset) => _cancelled.Add(offset);

    /// <summary>Takes the next message that is due, in the order of due time and offset.</summary>
    public bool TryRelease(long now, out long offset)
    {
        _passed = Math.Max(_passed, now);
        while (TryTake(now, out var entry))
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
            _budget.Return(1);
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
        _budget.Return(1);
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
        // The entry that ends what is kept of the move is gone when its time is over, and may be when this is not the first move: it was
        // not needed then, and was swept or left out of a run.
        if (due < original && (original <= _passed || _moved.ContainsKey(offset)))
            _memory.Times.Add(new(original, offset));
        _moved[offset] = new(due, original);
        _memory.Times.Add(new(due, offset));
        SweepBuckets();
        return true;
    }

    /// <summary>When a message that waits is due.</summary>
    public long GetDue(long offset, long original) => _moved.TryGetValue(offset, out var moved) ? moved.Due : original;

    public void LeaveOut(Subscription subscription, long stableOffset)
    {
        if (_pending.Count > 0)
            subscription.LeaveOutPending(_pending, stableOffset);
    }

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
        _memory.Keys.CopyTo(keyHash, target);
        _spill?.CopyKeyed(keyHash, target);
        target.RemoveAll(offset => !_pending.Contains(offset));
        if (_spill is null)
            return;
        // A message may be in more than one place: its key is written down again with what was moved.
        target.Sort();
        var kept = 0;
        for (var i = 0; i < target.Count; i++)
        {
            if (kept == 0 || target[kept - 1] != target[i])
                target[kept++] = target[i];
        }
        target.RemoveRange(kept, target.Count - kept);
    }

    /// <summary>The first messages behind <paramref name="after"/> that are due from <paramref name="from"/> to <paramref name="to"/>, at
    /// most <paramref name="limit"/>, in the order of due time and offset.</summary>
    public void CopyPage(DueOffset after, long from, long to, int limit, List<DueOffset> target)
    {
        var first = new PriorityQueue<DueOffset, DueOffset>(s_descending);
        var seen = new HashSet<DueOffset>();
        Visit(Math.Max(from, after.Due), to, entry =>
        {
            if (DueOrder.Ascending.Compare(entry, after) <= 0 || !IsCurrent(entry)
                || (_moved.ContainsKey(entry.Offset) && !seen.Add(entry)))
                return;
            if (first.Count < limit)
                first.Enqueue(entry, entry);
            else if (DueOrder.Ascending.Compare(entry, first.Peek()) < 0)
                first.EnqueueDequeue(entry, entry);
        }, () => first.Count < limit, entry => first.Count < limit || DueOrder.Ascending.Compare(entry, first.Peek()) < 0);
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
        Visit(from, to, entry =>
        {
            if (IsCurrent(entry) && (!_moved.ContainsKey(entry.Offset) || seen.Add(entry.Offset)))
                count++;
        }, static () => true, static _ => true);
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
        _budget.Return(Count);
        _pending.RemoveBelow(long.MaxValue);
    }

    private bool TryTake(long now, out DueOffset entry) =>
        _spill is null ? _memory.Times.TryTake(now, out entry) : _spill.TryTake(_memory.Times, now, out entry);

    private void Visit(long from, long to, Action<DueOffset> visit, Func<bool> goOn, Func<DueOffset, bool> goOnInOrder)
    {
        _memory.Times.Visit(from, to, visit, goOn);
        _spill?.Visit(from, to, entry =>
        {
            visit(entry);
            return goOnInOrder(entry);
        });
    }

    private bool IsCurrent(DueOffset entry) =>
        _pending.Contains(entry.Offset) && (!_moved.TryGetValue(entry.Offset, out var moved) || moved.Due == entry.Due);

    private void SweepBuckets()
    {
        if (_memory.Times.Count <= MinSweep + (2 * (Count + _moved.Count)))
            return;
        var seen = new HashSet<DueOffset>();
        _memory.Times.Compact(entry => IsNeeded(entry, seen));
    }

    /// <summary>Whether something follows when an entry's time comes; of several that are the same, one is enough.</summary>
    private bool IsNeeded(DueOffset entry, HashSet<DueOffset> seen) => _moved.TryGetValue(entry.Offset, out var moved)
        ? (entry.Due == moved.Due || entry.Due == Math.Max(moved.Due, moved.Original)) && seen.Add(entry)
        : _pending.Contains(entry.Offset);

    private void SweepKeys()
    {
        if (_memory.Keys.Count > MinSweep + (2 * Count))
            _memory.Keys.Compact(_pending);
    }
}

/// <summary>The time that a message was moved to, and the one in its record.</summary>
internal readonly record struct MovedDue(long Due, long Original);
