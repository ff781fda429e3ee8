using Comet.Server.Storage;

namespace Comet.Server.Broker;

internal sealed partial class DelayIndex
{
    // What is hardly worth a run of its own stays in memory.
    private const int MinShare = 8;

    // Messages added to what is in memory since some of it was given away.
    private long _added;

    /// <summary>Gives away what is in memory when it is much. Called behind each batch.</summary>
    public void Settle()
    {
        if (_spill is { } spill && _added >= spill.Limit && spill.IsFree)
            GiveAway(spill);
    }

    /// <summary>Something was written or merged.</summary>
    /// <exception cref="CometException">A run is damaged.</exception>
    public void Finish(DelayWork work) => _spill!.Done(work, CopyWanted, _moved.Count > 0);

    /// <summary>Takes up what was saved for a stretch of the log, as it stood at that time. False, and nothing is taken up, when runs are
    /// not there as they were.</summary>
    public bool TryRestore(DelayState saved, ChangedSchedules changed, OffsetRange range, long now)
    {
        if (!TryRestoreRuns(saved.Runs, changed, range, now))
        {
            Close();
            _spill?.Clear();
            return false;
        }
        foreach (var (due, offset) in saved.Waiting)
        {
            if (offset >= range.First && !changed.Cancelled.Contains(offset) && !changed.Moved.ContainsKey(offset))
                Restore(offset, new(due, due), isMoved: false, null, now);
        }
        foreach (var (offset, time) in changed.Moved)
        {
            if (offset >= range.First && offset <= range.Last && !changed.Cancelled.Contains(offset))
                Restore(offset, time, isMoved: true, null, now);
        }
        for (var at = changed.Cancelled.NextSet(range.First); at <= range.Last; at = changed.Cancelled.NextSet(at + 1))
            RestoreCancelled(at);
        foreach (var (hash, offset) in saved.Keys)
        {
            if (_pending.Contains(offset))
                _memory.Keys.Add(hash, offset);
        }
        return true;
    }

    /// <summary>A log is about to be recovered, or is.</summary>
    public void Recover(bool isOver)
    {
        if (_spill is null)
            return;
        _spill.IsRecovering = !isOver;
        if (isOver)
            _spill.Recovered();
    }

    /// <summary>What has to be kept of it beside what was moved and what was cancelled.</summary>
    public DelayState Save()
    {
        var (waiting, keys) = (new List<DueOffset>(), new List<KeyedOffset>());
        CopyTo(_memory);
        if (_spill?.Frozen is { } frozen)
            CopyTo(frozen);
        _spill?.PointTaken();
        return new(waiting, keys) { Runs = _spill?.Names ?? [] };

        void CopyTo(DelayLayer layer)
        {
            layer.Times.Visit(long.MinValue, long.MaxValue, entry =>
            {
                if (_pending.Contains(entry.Offset) && !_moved.ContainsKey(entry.Offset))
                    waiting.Add(entry);
            }, static () => true);
            layer.Keys.CopyAll(_pending, keys);
        }
    }

    /// <summary>What <see cref="Save"/> has told last is saved.</summary>
    public void Saved() => _spill?.PointSaved();

    /// <summary>About how many bytes that takes when it is stored.</summary>
    public static long SizeOf(DelayState saved) => (8L * saved.Waiting.Count) + (8L * saved.Keys.Count);

    /// <summary>The messages of which entries matter.</summary>
    private OffsetBits CopyWanted()
    {
        var wanted = _pending.Copy();
        foreach (var offset in _moved.Keys)
            wanted.Add(offset);
        return wanted;
    }

    private bool TryRestoreRuns(IReadOnlyList<DelayRunName> names, ChangedSchedules changed, OffsetRange range, long now)
    {
        if (names.Count == 0)
            return true;
        try
        {
            var opened = new List<IDelayRun>();
            if (_spill is null || !_spill.TryOpen(names, now, opened))
                return false;
            foreach (var run in opened)
                Restore(run, changed, range, now);
            return true;
        }
        catch (CometException e) when (e.Code == ErrorCode.StorageFailed)
        {
            return false;
        }
    }

    private void Restore(IDelayRun run, ChangedSchedules changed, OffsetRange range, long now)
    {
        var window = new DueOffset[8 * 1024];
        for (var at = run.IndexOf(now + 1); run.Read(at, window) is > 0 and var count; at += count)
        {
            var added = 0;
            foreach (var (_, offset) in window.AsSpan(0, count))
            {
                if (offset >= range.First && !changed.Cancelled.Contains(offset) && !changed.Moved.ContainsKey(offset)
                    && _pending.Add(offset))
                    added++;
            }
            _budget.Take(added);
        }
    }

    /// <summary>Has what is in memory written.</summary>
    private void GiveAway(DelaySpill spill)
    {
        var (waiting, keys, seen) = (new List<DueOffset>((int)_added), new List<KeyedOffset>(), new HashSet<DueOffset>());
        _memory.Times.Visit(long.MinValue, long.MaxValue, entry =>
        {
            if (IsNeeded(entry, seen))
                waiting.Add(entry);
        }, static () => true);
        _memory.Keys.CopyAll(_pending, keys);
        if (waiting.Count >= spill.Limit / MinShare && spill.TryFreeze(_memory, new([.. waiting], [.. keys])))
        {
            (_memory, _added) = (new(), 0);
            return;
        }
        var rest = new DelayLayer();
        foreach (var entry in waiting)
            rest.Times.Add(entry);
        foreach (var (hash, offset) in keys)
            rest.Keys.Add(hash, offset);
        (_memory, _added) = (rest, waiting.Count);
    }
}
