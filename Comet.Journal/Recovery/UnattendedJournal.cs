using Comet.Journals.Control;
using Comet.Journals.FileSystem;
using Comet.Journals.Segments;

namespace Comet.Journals.Recovery;

/// <summary>What is at a place of a journal that is only read, where no whole record is.</summary>
internal enum UnattendedPlace
{
    /// <summary>The journal ends here, for now.</summary>
    End,

    /// <summary>A writer was killed here; a whole record follows behind it.</summary>
    Hole,

    /// <summary>The next segment goes on; the process that was to write the end mark was killed.</summary>
    SegmentEnd,

    /// <summary>Something that had been made durable is not what was written.</summary>
    Damage
}

/// <summary>Shows a reader that may not write what recovery would keep, when nobody has the journal open: holes of killed writers are
/// passed as long as the machine has not been restarted, a torn tail is the end, and what marks call durable is missed.</summary>
internal sealed unsafe class UnattendedJournal(SegmentStore store, JournalMetadata metadata) : IDisposable
{
    private readonly Lock _gate = new();
    private IJournalFile? _control;
    private (JournalPlace Place, ulong Tail) _end;

    /// <summary>Judges a place where there is no whole record.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="position">The place in it.</param>
    /// <param name="word">What the reader saw there; it may have been published since.</param>
    /// <param name="sequence">The sequence that comes next at the earliest.</param>
    /// <param name="next">After a <see cref="UnattendedPlace.Hole"/>, where the next whole record is.</param>
    public UnattendedPlace Judge(MappedSegment segment, long position, uint word, long sequence, out long next)
    {
        next = 0;
        var isZero = word == 0;
        if (IsAttended())
            return isZero ? UnattendedPlace.End : UnattendedPlace.Damage;

        // A reader that waits at the end asks again and again; nothing has changed while the tail is the same.
        var here = (new JournalPlace(segment.Number, position), Tail());
        if (isZero && IsKnownEnd(here))
            return UnattendedPlace.End;

        // The marks may be gone with the rest; nothing is made durable before all in front of it is published, so it is no hole either.
        if (new JournalPlace(segment.Number, position) < KnownDurable())
            return UnattendedPlace.Damage;

        var judged = JudgeUnattended(segment, position, sequence, isZero, ref next);
        if (isZero && judged == UnattendedPlace.End)
            NoteEnd(here);
        return judged;
    }

    /// <summary>Where the records go on behind a place of a running system where nothing is published, whoever was to publish there;
    /// null when none are in the segment, or there is no telling.</summary>
    public long? FindBehindHole(MappedSegment segment, long position) =>
        IsOfThisBoot() ? OpenClaims.FindBehind(Control()!, segment, position, 0) : null;

    public void Dispose() => _control?.Dispose();

    private UnattendedPlace JudgeUnattended(MappedSegment segment, long position, long sequence, bool isZero, ref long next)
    {
        // Nobody has claimed anything here: that costs no look at the rest of the segment.
        if (isZero && IsOfThisBoot() && IsAtTail(segment, position))
            return UnattendedPlace.End;

        var scan = SegmentScan.Run(segment, position, sequence);
        var later = store.Catalog.Refresh().Where(entry => entry.Number > segment.Number && entry.Form.Length == 0).ToList();
        if (isZero && IsOfThisBoot())
        {
            // By the slots first: of a batch that was cut off its last records are there, and no part of the journal.
            if (OpenClaims.FindBehind(Control()!, segment, position, sequence) is { } found)
            {
                next = found;
                return UnattendedPlace.Hole;
            }

            if (later.Count > 0)
                return UnattendedPlace.SegmentEnd;
        }

        var durable = later.Aggregate(scan.Durable, (most, entry) => DurableIn(entry) is var each && each > most ? each : most);
        return new JournalPlace(segment.Number, position) < durable ? UnattendedPlace.Damage : UnattendedPlace.End;
    }

    private bool IsAtTail(MappedSegment segment, long position)
    {
        var tail = Tail();
        return TailWord.Generation(tail) == segment.Generation && position >= TailWord.Position(tail);
    }

    private bool IsKnownEnd((JournalPlace Place, ulong Tail) here)
    {
        lock (_gate)
            return _end == here;
    }

    private void NoteEnd((JournalPlace Place, ulong Tail) here)
    {
        lock (_gate)
            _end = here;
    }

    private ulong Tail() => Control() is { } control ? ControlFile.ReadTail(control) : 0;

    /// <summary>Whether somebody has the journal open to write.</summary>
    public bool IsAttended() => Control() is { } control && control.IsLockedByOther(JournalLock.Session);

    // Also after all writers were killed: what they had published is in the page cache.
    private bool IsOfThisBoot() => store.Files.SessionId != Guid.Empty && Control() is { } control
        && ControlFile.IsOf(control, metadata.JournalId, store.Files.SessionId);

    /// <summary>Up to where all is known to be durable beside the marks; nothing after a restart of the machine.</summary>
    private JournalPlace KnownDurable() => IsOfThisBoot() ? ControlFile.ReadDurable(Control()!).Place : default;

    private IJournalFile? Control()
    {
        lock (_gate)
        {
            var path = Path.Combine(store.Directory, ControlFile.Name);
            return _control ??= store.Files.Exists(path) ? store.Files.Open(path, FileOpening.Read) : null;
        }
    }

    private JournalPlace DurableIn(SegmentEntry entry)
    {
        var segment = store.Open(entry.Number);
        try
        {
            var scan = SegmentScan.Run(segment, segment.Layout.DataStart, 0);
            return scan.Durable > segment.Header.DurableBefore ? scan.Durable : segment.Header.DurableBefore;
        }
        finally
        {
            segment.Release();
        }
    }
}
