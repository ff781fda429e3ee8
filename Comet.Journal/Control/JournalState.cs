using Comet.Journals.Durability;
using Comet.Journals.Maintenance;
using Comet.Journals.Places;
using Comet.Journals.Reading;
using Comet.Journals.Recovery;
using Comet.Journals.Retention;
using Comet.Journals.Segments;

namespace Comet.Journals.Control;

/// <summary>What the writers, readers and background work of one open journal share.</summary>
internal sealed class JournalState : IDisposable
{
    private readonly LockProbe? _probe;
    private readonly JournalGates? _gates;
    private JournalException? _fault;
    private int _references = 1;
    private int _disposed;

    public JournalState(JournalEnvironment environment, string directory, JournalMetadata metadata, JournalOptions options,
        ControlFile? control, LockProbe? probe)
    {
        Directory = directory;
        Metadata = metadata;
        Options = options;
        Segments = new SegmentStore(environment, directory, metadata, options);
        Waiter = new ReaderWaiter(this);
        Readers = new NamedReaders(this);
        Truncation = new Truncation(this);
        _probe = probe;
        if (control is null || probe is null)
        {
            Unattended = new UnattendedJournal(Segments, metadata);
            return;
        }

        Control = control;
        Segments.SpareFiles.ShareBy(control.Locks);
        Slots = new WriterSlots(control, probe);
        Holes = new HoleCloser(control, Slots, FirstSequenceAfter);
        Roller = new SegmentRoller(this);
        _gates = new JournalGates(new JournalGate(control, JournalLock.Places, directory),
            new JournalGate(control, JournalLock.Maintenance, directory));
        Flusher = new JournalFlusher(this, environment.Background);
        Segments.Preparer.Fail = cause => Fail(cause);
        Upkeep = new Upkeep(this, environment.Maintenance);
    }

    public string Directory { get; }

    public JournalMetadata Metadata { get; }

    public JournalOptions Options { get; }

    public SegmentStore Segments { get; }

    /// <summary>Null when the journal is only read.</summary>
    public ControlFile? Control { get; }

    public WriterSlots? Slots { get; }

    public HoleCloser? Holes { get; }

    /// <summary>Only when the journal is only read.</summary>
    public UnattendedJournal? Unattended { get; }

    public SegmentRoller? Roller { get; }

    /// <summary>Where readers wait.</summary>
    public ReaderWaiter Waiter { get; }

    public NamedReaders Readers { get; }

    public Truncation Truncation { get; }

    public JournalFlusher? Flusher { get; }

    /// <summary>Null when the journal is only read.</summary>
    public Upkeep? Upkeep { get; }

    /// <summary>Whether there are writers that have not been disposed.</summary>
    public bool HasWriters => Slots is { } slots && slots.HasAny(0, Options.MaxWriters);

    /// <summary>Why the journal refuses to go on, or null.</summary>
    public JournalException? Fault
    {
        get
        {
            if (Volatile.Read(ref _fault) is null && IsFaultedElsewhere())
            {
                Interlocked.CompareExchange(ref _fault, new JournalException(JournalErrorCode.Faulted,
                    $"Another process could not write or flush the journal in {Directory}, so it refuses to go on; whatever was not "
                    + "confirmed as durable is unknown. Close it in every process and open it again: that runs recovery."), null);
            }

            return Volatile.Read(ref _fault);
        }
    }

    public bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    /// <summary>Throws when the journal is closed or may not go on.</summary>
    public void RequireUsable()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, typeof(Journal));
        RequireFaultless();
    }

    /// <summary>Throws when the journal may not go on.</summary>
    public void RequireFaultless()
    {
        if (Fault is { } fault)
            throw new JournalException(fault.Code, fault.Message, fault) { File = fault.File };
    }

    /// <summary>The locks for changes to readers and segments.</summary>
    /// <exception cref="JournalException">The journal is only read.</exception>
    public JournalGates RequireGates()
    {
        RequireReadable();
        return _gates ?? throw new JournalException(JournalErrorCode.ReadOnly,
            $"The journal in {Directory} was opened to be read only. Open it with another {nameof(JournalOptions.Access)}.");
    }

    /// <summary>Throws when the journal is closed; one that has failed can still be read.</summary>
    public void RequireReadable() => ObjectDisposedException.ThrowIf(IsDisposed, typeof(Journal));

    /// <summary>Stops the journal for good, here and in every other process, and returns what to throw.</summary>
    public JournalException Fail(JournalException cause)
    {
        var fault = new JournalException(JournalErrorCode.Faulted,
            $"{cause.Message} The journal in {Directory} refuses to go on; whatever was not confirmed as durable is unknown. Close it in "
            + "every process and open it again: that runs recovery.", cause) { File = cause.File };
        Interlocked.CompareExchange(ref _fault, fault, null);
        // Background work may fail when the journal is closed already.
        if (Control is not null && TryHold())
        {
            Control.IsFaulted = true;
            Release();
        }

        return _fault;
    }

    /// <summary>The first sequence of the segment after one, once it is known.</summary>
    public long? FirstSequenceAfter(long segment)
    {
        if (Control?.AgreedFirstSequence(segment) is { } agreed)
            return agreed;
        if (Control is null || Control.ActiveSegment == segment || Segments.Catalog.After(segment) is not { } next)
            return null;

        using var opened = Segments.OpenReader(next);
        return opened.Header.FirstSequence;
    }

    /// <summary>A slot for a writer.</summary>
    /// <exception cref="JournalException">All are taken.</exception>
    public WriterSlot TakeSlot()
    {
        if (Slots!.TryTake(0, Options.MaxWriters) is { } slot)
            return slot;

        // Those of writers that died in the middle of an append become free once what they left has been dealt with.
        new PublishedClaims(this).TryCloseDead(Control!.GetDurable().Place);
        return Slots.TryTake(0, Options.MaxWriters) ?? throw new JournalException(JournalErrorCode.TooManyWriters,
            $"All {Options.MaxWriters} places for writers of the journal in {Directory} are taken. Dispose writers that are no longer "
            + $"needed, or create the journal with a larger {nameof(JournalOptions.MaxWriters)}.");
    }

    /// <summary>A slot for the marks of flushes: one of those kept for that, or else any.</summary>
    public WriterSlot TakeFlushSlot() => Slots!.TryTake(Options.MaxWriters, Slots.Count) ?? TakeSlot();

    /// <summary>Has all sleeping readers look again, in every process.</summary>
    public unsafe void WakeReaders()
    {
        if (Control is not { } control)
            return;

        // In this order: who sets the first word again before it is cleared has read the second before it changes, and does not sleep.
        Interlocked.Exchange(ref *control.Waiters, 0);
        Futex.WakeAll(control.Wake);
    }

    public unsafe void WakeReadersIfAny()
    {
        if (Control is { } control && Volatile.Read(ref *control.Waiters) != 0)
            WakeReaders();
    }

    /// <summary>Keeps the mappings for a writer or a reader, which may outlive the journal object, or for a call.</summary>
    public void Keep()
    {
        RequireReadable();
        ObjectDisposedException.ThrowIf(!TryHold(), typeof(Journal));
    }

    /// <summary>Does something that needs the mappings, which another thread may be about to give up.</summary>
    public T WhileOpen<T>(Func<T> work)
    {
        Keep();
        try
        {
            return work();
        }
        finally
        {
            Release();
        }
    }

    /// <summary>Keeps the mappings for background work; false when the journal is closed.</summary>
    public bool TryKeep() => !IsDisposed && TryHold();

    /// <summary>Keeps the mappings while they are there: another thread may be closing the journal.</summary>
    private bool TryHold()
    {
        while (Volatile.Read(ref _references) is > 0 and var count)
        {
            if (Interlocked.CompareExchange(ref _references, count + 1, count) == count)
                return true;
        }

        return false;
    }

    private bool IsFaultedElsewhere()
    {
        if (Control is not { } control || !TryHold())
            return false;

        try
        {
            return control.IsFaulted;
        }
        finally
        {
            Release();
        }
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) != 0)
            return;

        Control?.Dispose();
        _probe?.Dispose();
        Unattended?.Dispose();
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;

        Upkeep?.Dispose();
        Waiter.Stop();
        Flusher?.Close();
        Segments.Spares.Close();
        Segments.Resting.Dispose();
        Release();
    }
}
