using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>The part of an index that is not in memory: runs, of which so many of about the same length are merged that there are never
/// many, and the part that is being written. Writing and merging are done elsewhere; what comes of them comes back as a command
/// (decision 0091).</summary>
internal sealed class DelaySpill(IDelayFiles files)
{
    /// <summary>So many messages are given away at a time: some 5 MB in memory.</summary>
    public const int DefaultLimit = 65_536;

    // Runs of about one length up to which there are no more of them; merged, they are one of the next length.
    private const int FanIn = 8;

    private readonly List<RunCursor> _runs = [];
    private readonly List<IDelayRun> _retired = [];
    private readonly HashSet<IDelayRun> _restored = [];
    private int _retiredAtPoint;
    private DelayLayer? _frozen;
    private DelayRunContent _content;
    private bool _isWriting;
    private bool _isMerging;

    /// <summary>How many messages are given away at a time.</summary>
    public int Limit { get; init; } = DefaultLimit;

    /// <summary>Called from any thread when something was written or merged, with a command for the partition.</summary>
    public required Action<PartitionCommand> Inbox { get; init; }

    /// <summary>Called instead while a log is being recovered.</summary>
    public Action<DelayWork>? Finished { get; set; }

    /// <summary>Whether a log is being recovered: everything is done at once then.</summary>
    public bool IsRecovering { get; set; }

    /// <summary>What was given away and is not written yet; null for nothing.</summary>
    public DelayLayer? Frozen => _frozen;

    public IReadOnlyList<DelayRunName> Names => [.. _runs.Select(static cursor => cursor.Run.Name)];

    public long NextDue
    {
        get
        {
            var due = _frozen?.Times.NextDue ?? long.MaxValue;
            foreach (var cursor in _runs)
                due = Math.Min(due, cursor.NextDue);
            return due;
        }
    }

    /// <summary>Takes the first entry that is due, of these and those in memory.</summary>
    public bool TryTake(DelayBuckets memory, long now, out DueOffset entry)
    {
        var bucket = memory.TryPeek(now, out entry) ? memory : null;
        if (_frozen?.Times is { } frozen && frozen.TryPeek(now, out var other) && (bucket is null || IsBefore(other, entry)))
            (bucket, entry) = (frozen, other);
        RunCursor? first = null;
        foreach (var cursor in _runs)
        {
            if (cursor.TryPeek(now, out other) && ((bucket is null && first is null) || IsBefore(other, entry)))
                (first, entry) = (cursor, other);
        }
        if (first is not null)
            first.Take();
        else
            bucket?.Take();
        return bucket is not null || first is not null;
    }

    /// <summary>Calls <paramref name="visit"/> with all entries from one time to another, both included, those of a run in order, until it
    /// returns false for that run.</summary>
    public void Visit(long from, long to, Func<DueOffset, bool> visit)
    {
        _frozen?.Times.Visit(from, to, entry => visit(entry), static () => true);
        var window = new DueOffset[1024];
        foreach (var cursor in _runs)
        {
            var goesOn = true;
            var at = cursor.Run.IndexOf(Math.Max(from, cursor.NextDue));
            for (; goesOn && cursor.Run.Read(at, window) is > 0 and var count; at += count)
            {
                for (var i = 0; i < count && goesOn; i++)
                    goesOn = window[i].Due <= to && visit(window[i]);
            }
        }
    }

    public void CopyKeyed(int hash, List<long> target)
    {
        _frozen?.Keys.CopyTo(hash, target);
        foreach (var cursor in _runs)
            cursor.Run.CopyKeyed(hash, target);
    }

    /// <summary>Takes what is in memory, to write it. False when what was taken before is not written yet.</summary>
    public bool TryFreeze(DelayLayer layer, DelayRunContent content)
    {
        if (!IsFree)
            return false;
        (_frozen, _content) = (layer, content);
        Write();
        return true;
    }

    /// <summary>Whether there is nothing to write; what could not be written is tried again.</summary>
    public bool IsFree
    {
        get
        {
            if (_frozen is not null && !_isWriting)
                Write();
            return _frozen is null;
        }
    }

    /// <summary>Something was written or merged, or could not be.</summary>
    /// <exception cref="CometException">A run is damaged.</exception>
    public void Done(DelayWork work, Func<OffsetBits> wanted, bool hasMoved)
    {
        if (work.Failure is CometException)
            throw work.Failure;
        if (work.Merged is not { } merged)
            Written(work.Run);
        else
            Merged(merged, work.Run, work.Failure);
        RetireEmpty(hasMoved);
        Merge(wanted);
    }

    /// <summary>Opens the runs that a point names; false when one of them is not there as it was.</summary>
    public bool TryOpen(IReadOnlyList<DelayRunName> names, long now, List<IDelayRun> opened)
    {
        foreach (var name in names)
        {
            if (files.Open(name) is not { } run)
                return false;
            opened.Add(run);
        }
        foreach (var run in opened)
        {
            _runs.Add(new(run, now + 1));
            _restored.Add(run);
        }
        return true;
    }

    /// <summary>All is recovered: runs that no point names are of no use. Those that were merged meanwhile are named by the point that was
    /// recovered from, until there is another one.</summary>
    public void Recovered()
    {
        IsRecovering = false;
        _retired.RemoveAll(run => !_restored.Contains(run));
        _restored.Clear();
        files.RemoveAllBut([.. Names, .. _retired.Select(static run => run.Name)]);
    }

    /// <summary>A point is taken, which names the runs that are used now.</summary>
    public void PointTaken() => _retiredAtPoint = _retired.Count;

    /// <summary>That point is saved: what it does not name can go.</summary>
    public void PointSaved()
    {
        if (_retiredAtPoint == 0)
            return;
        var gone = _retired.GetRange(0, _retiredAtPoint);
        _retired.RemoveRange(0, _retiredAtPoint);
        _retiredAtPoint = 0;
        files.Post(() => files.Remove(gone), isLong: false);
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _runs.Clear();
        _restored.Clear();
        _frozen = null;
    }

    private static bool IsBefore(DueOffset one, DueOffset other) => DueOrder.Ascending.Compare(one, other) < 0;

    /// <summary>Runs of about the length of one that is new are of tier 0, of about eight of those 1, and so on.</summary>
    private int Tier(long count)
    {
        var tier = 0;
        for (var length = 3L * Limit; count > length; length *= FanIn)
            tier++;
        return tier;
    }

    private void Write()
    {
        _isWriting = true;
        var content = _content;
        Run(isLong: false, null, () => files.Write(content));
    }

    private void Written(IDelayRun? run)
    {
        _isWriting = false;
        if (run is null || _frozen is null)
            return;
        _runs.Add(new(run, _frozen.Times.NextDue));
        (_frozen, _content) = (null, default);
    }

    private void Merge(Func<OffsetBits> wanted)
    {
        if (_isMerging)
            return;
        var full = _runs.GroupBy(cursor => Tier(cursor.Run.Name.Count)).FirstOrDefault(static tier => tier.Count() >= FanIn);
        if (full is null)
            return;
        _isMerging = true;
        var (merged, copy) = (full.ToArray(), wanted());
        IDelayRun[] runs = [.. merged.Select(static cursor => cursor.Run)];
        Run(isLong: true, merged, () => files.Merge(runs, copy));
    }

    private void Merged(RunCursor[] merged, IDelayRun? run, Exception? failure)
    {
        _isMerging = false;
        if (failure is not null)
            return;
        if (run is not null)
            _runs.Add(new(run, merged.Min(static cursor => cursor.NextDue)));
        foreach (var cursor in merged)
            Retire(cursor);
    }

    /// <summary>Drops runs of which all is over. What was moved may have its key there.</summary>
    private void RetireEmpty(bool hasMoved)
    {
        if (hasMoved || _isMerging)
            return;
        foreach (var cursor in _runs.Where(static cursor => cursor.NextDue == long.MaxValue).ToArray())
            Retire(cursor);
    }

    private void Retire(RunCursor cursor)
    {
        if (_runs.Remove(cursor))
            _retired.Add(cursor.Run);
    }

    private void Run(bool isLong, RunCursor[]? merged, Func<IDelayRun?> work)
    {
        if (IsRecovering)
            Finished!(Try(merged, work));
        else
            files.Post(() => Inbox(new(CommandKind.DelaysWritten) { Detail = Try(merged, work) }), isLong);
    }

    private static DelayWork Try(RunCursor[]? merged, Func<IDelayRun?> work)
    {
        try
        {
            return new(work(), merged, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CometException or ObjectDisposedException)
        {
            return new(null, merged, e);
        }
    }
}

/// <summary>What came of writing or merging runs.</summary>
/// <param name="Run">The run that there is now; null when there is none.</param>
/// <param name="Merged">Those it is made of; null for a new one.</param>
/// <param name="Failure">What went wrong.</param>
internal sealed record DelayWork(IDelayRun? Run, RunCursor[]? Merged, Exception? Failure);
