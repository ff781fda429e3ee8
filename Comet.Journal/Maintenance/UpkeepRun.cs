using System.Diagnostics.CodeAnalysis;
using Comet.Journals.Control;
using Comet.Journals.Packing;
using Comet.Journals.Retention;
using Comet.Journals.Segments;

namespace Comet.Journals.Maintenance;

/// <summary>One run of maintenance: clears leftovers away, removes what is not kept any more, then packs and moves segment by segment. The
/// lock is held for one segment at a time, so that whoever else wants it does not wait for all of them.</summary>
internal sealed class UpkeepRun
{
    private readonly JournalState _state;
    private readonly JournalMaintenance _options;
    private readonly SegmentFactsCache _facts;
    private readonly IProgress<JournalMaintenanceProgress>? _progress;
    private readonly CancellationToken _cancellation;
    private readonly SegmentPlan _plan;
    private readonly SegmentWork _work;
    private readonly List<Exception> _failures = [];
    private JournalMaintenanceProgress _reached;
    private bool _hasTiers;
    private int _packed;
    private int _moved;
    private int _deleted;
    private long _bytesBefore;
    private long _bytesAfter;

    public UpkeepRun(JournalState state, JournalMaintenance options, SegmentFactsCache facts,
        IProgress<JournalMaintenanceProgress>? progress, CancellationToken cancellation)
    {
        _state = state;
        _options = options;
        _facts = facts;
        _progress = progress;
        _cancellation = cancellation;
        _plan = new SegmentPlan(options, state.Directory, state.Options.TimeProvider.GetUtcNow());
        var settings = new PackSettings(options.Compression, options.CompressionLevel, options.Encrypt ? state.Options.Keys : null);
        _work = new SegmentWork(Store, settings, NoteProgress, cancellation);
    }

    private SegmentStore Store => _state.Segments;

    /// <summary>Does all there is to do.</summary>
    /// <param name="wait">Whether to wait for another process that is at it; otherwise the rest is left to that one.</param>
    /// <exception cref="OperationCanceledException">It was cancelled, between two steps, and all is in order.</exception>
    /// <exception cref="JournalException">The journal has failed, or another process is at it all the time.</exception>
    public JournalMaintenanceResult Run(bool wait)
    {
        var all = TryStep(wait, AddTiers) && TryStep(wait, ClearLeftovers) && TryStep(wait, Retain);
        // A segment in a folder that is not written down would be lost.
        if (all && _hasTiers)
            LookAfterAll(wait);
        return new JournalMaintenanceResult(_packed, _moved, _deleted, _bytesBefore, _bytesAfter, _failures);
    }

    private void AddTiers()
    {
        TierFolders.Add(Store.Files, Store.Directory, Store.JournalId, Store.NextId(), _plan.Tiers);
        _hasTiers = true;
    }

    private void ClearLeftovers()
    {
        var first = FirstSegmentMark.Read(Store.Files, Store.Directory, Store.JournalId);
        _state.Truncation.DeleteBelow(first);
        new Leftovers(Store, _cancellation).Clear(failed => Report(failed.Number, failed.Error));
    }

    private void Retain() => _deleted = new RetentionRun(_state, _facts).Run(_options, _plan);

    private void LookAfterAll(bool wait)
    {
        var entries = Store.Catalog.Refresh().Where(IsSealed).ToList();
        _facts.Keep(entries);
        for (var i = 0; i < entries.Count; i++)
        {
            _reached = new JournalMaintenanceProgress(entries[i].Number, i, entries.Count, _reached.BytesPacked);
            NoteProgress(0);
            if (!IsDone(entries[i]) && !TryStep(wait, () => LookAfter(entries[i].Number), entries[i].Number))
                return;
        }

        _reached = _reached with { SegmentsDone = entries.Count, Segments = entries.Count };
        NoteProgress(0);
    }

    // Everything before the durable place is published: no writer can be in a segment below its segment any more.
    private bool IsSealed(SegmentEntry entry) => entry.Number < _state.Control!.GetDurable().Place.Segment;

    [SuppressMessage("Design", "CA1031", Justification = "Whatever is wrong is found again under the lock, and reported.")]
    private bool IsDone(SegmentEntry entry)
    {
        try
        {
            return _plan.For(entry, _facts.Of(entry)).IsNothing;
        }
        catch (Exception)
        {
            return false;
        }
    }

    /// <summary>Looks at a segment again, which another process may have dealt with meanwhile, and deals with it.</summary>
    private void LookAfter(long number)
    {
        if (Store.Catalog.FindAgain(number) is not { } entry)
            return;

        var facts = _facts.Read(entry);
        var task = _plan.For(entry, facts);
        if (task.IsNothing)
            return;

        var done = _work.Do(entry, task, facts.Length);
        _facts.Forget(entry.Path);
        _facts.Forget(done.Path);
        Store.Events.Raise(done);
        if (task.Packs)
        {
            _packed++;
            _bytesBefore += done.BytesBefore;
            _bytesAfter += done.BytesAfter;
        }

        if (task.MovesTo is null)
            return;

        _moved++;
        if (task.Packs)
            Store.Events.Raise(done with { Kind = JournalEventKind.Moved });
    }

    /// <summary>Does a piece of work under the lock. What goes wrong in it is reported and ends nothing else.</summary>
    /// <returns>False when somebody else has the lock.</returns>
    [SuppressMessage("Design", "CA1031", Justification = "What went wrong with one segment is reported, and the others get their turn.")]
    private bool TryStep(bool wait, Action work, long segment = 0)
    {
        _cancellation.ThrowIfCancellationRequested();
        _state.RequireUsable();
        var gate = _state.RequireGates().Maintenance;
        using (var held = wait ? gate.Enter() : gate.TryEnter())
        {
            if (held is null)
                return false;

            try
            {
                work();
            }
            catch (OperationCanceledException) when (_cancellation.IsCancellationRequested)
            {
                throw;
            }
            catch (Exception failed)
            {
                Report(segment, failed);
            }
        }

        // What comes before the first segment takes no time.
        if (segment > 0)
            gate.GiveWay();
        return true;
    }

    private void Report(long segment, Exception failed)
    {
        _failures.Add(failed);
        var path = (failed as JournalException)?.File ?? Store.Directory;
        Store.Events.Raise(new JournalEvent(JournalEventKind.Failed, segment, path) { Error = failed });
    }

    private void NoteProgress(long bytes)
    {
        _reached = _reached with { BytesPacked = _reached.BytesPacked + bytes };
        _progress?.Report(_reached);
    }
}
