using System.Diagnostics.CodeAnalysis;
using Comet.Journals.Background;
using Comet.Journals.Control;
using Comet.Journals.Preparation;
using Comet.Journals.Segments;

namespace Comet.Journals.Durability;

/// <summary>
/// Has what was appended made durable, for all writers of one open journal: one flush for all that wait when it begins, the next one for
/// those that came meanwhile. Runs on threads that all journals share; a journal that is idle has none. Flushes of several processes do not
/// wait for each other.
/// </summary>
internal sealed unsafe class JournalFlusher
{
    private const int SpinsBeforeSleep = 200;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(1);

    private readonly JournalState _state;
    private readonly ControlFile _control;
    private readonly FlushWaiterPool _pool = new();
    private readonly FlushRun _flush;
    private readonly IBackgroundQueue _background;
    private readonly FlushTurn _turn;
    private readonly FlushTick _tick;
    private readonly IdleJournal _idle;
    private readonly FlushPatience _patience = new();
    private readonly Lock _gate = new();
    private readonly Lock _flushing = new();
    private readonly object _followers = new();
    private bool _isLed;
    private JournalPlace _ledTo;
    private List<FlushWaiter> _waiting = [];
    private List<FlushWaiter> _running = [];
    private bool _queued;
    private bool _closed;
    private int _dirty;

    public JournalFlusher(JournalState state, IBackgroundQueue background)
    {
        _state = state;
        _control = state.Control!;
        _flush = new FlushRun(state);
        _background = background;
        _turn = new FlushTurn(this);
        _tick = new FlushTick(this);
        _idle = new IdleJournal(state, background);
    }

    /// <summary>Whether a look at what has been appended is due: appends have no more to do then.</summary>
    public bool IsDirty => Volatile.Read(ref _dirty) != 0;

    /// <summary>Something was appended: it is flushed soon, even if nobody waits for it.</summary>
    public void MarkDirty()
    {
        if (Interlocked.Exchange(ref _dirty, 1) == 0)
            _background.QueueAfter(_tick, _state.Options.FlushInterval);
    }

    /// <summary>So much was appended that the flush does not wait for its time.</summary>
    public void NoteProgress(long segment, long position)
    {
        if (_flush.LengthTo(segment, position) >= _state.Options.FlushLength)
            Request();
    }

    /// <summary>Completes when everything up to a place is durable.</summary>
    public ValueTask<JournalPosition> WaitAsync(JournalPlace place, JournalPosition result, CancellationToken cancellation)
    {
        var waiter = Enqueue(place, result, cancellation, out var version);
        return new ValueTask<JournalPosition>(waiter, version);
    }

    /// <summary>Completes when everything appended up to now is durable.</summary>
    public ValueTask WaitAsync(CancellationToken cancellation)
    {
        var tail = Volatile.Read(ref *_control.Tail);
        var place = new JournalPlace(_control.SegmentOf(tail), TailWord.Position(tail));
        var waiter = Enqueue(place, default, cancellation, out var version);
        return new ValueTask(waiter, version);
    }

    /// <summary>Returns when everything appended up to now is durable, as <see cref="Wait(JournalPlace)"/> does.</summary>
    public void Wait()
    {
        var tail = Volatile.Read(ref *_control.Tail);
        Wait(new JournalPlace(_control.SegmentOf(tail), TailWord.Position(tail)));
    }

    /// <summary>Returns when everything up to a place is durable. Flushes on the caller's thread unless another one does so already: no
    /// thread has to be woken.</summary>
    public void Wait(JournalPlace place)
    {
        _state.Segments.Preparer.IsWaitedFor = true;
        var pause = new SpinWait();
        while (TryLead(place))
        {
            var covered = default(JournalPlace);
            var isDone = false;
            try
            {
                lock (_flushing)
                {
                    ObjectDisposedException.ThrowIf(_closed, typeof(Journal));
                    isDone = _flush.TryRun(place);
                    covered = _flush.Covered;
                }
            }
            finally
            {
                lock (_followers)
                {
                    _isLed = false;
                    _ledTo = covered > _ledTo ? covered : _ledTo;
                    Monitor.PulseAll(_followers);
                }
            }

            // A writer is in the middle of an append, for some instructions as a rule; one that was stopped there is waited for asleep.
            if (!isDone)
                pause.SpinOnce(SpinsBeforeSleep);
        }

        if (!IsDirty)
            MarkDirty();
    }

    /// <summary>Makes everything durable now; false when a living writer is in the middle of an append for long.</summary>
    /// <exception cref="JournalException">A flush failed: the journal has stopped for good.</exception>
    public bool TryFlushAll()
    {
        var started = TimeProvider.System.GetTimestamp();
        lock (_flushing)
        {
            while (!_closed && !_flush.TryRun(null))
            {
                if (TimeProvider.System.GetElapsedTime(started) > ClosePatience)
                    return false;
                Thread.Yield();
            }
        }

        return true;
    }

    /// <summary>True when this thread is to flush; false once a place is durable, by this thread or another one, which is waited for: the
    /// lock alone would let the one that flushed last flush again before those whose records it took along have seen it.</summary>
    private bool TryLead(JournalPlace place)
    {
        lock (_followers)
        {
            while (_ledTo < place && _isLed)
                Monitor.Wait(_followers);
            if (_ledTo >= place)
                return false;

            return _isLed = true;
        }
    }

    /// <summary>Flushes a last time, lets those that wait know, and, when nobody else has the journal open, notes that all is in
    /// order.</summary>
    public void Close()
    {
        var isLast = _control.Locks.TryLock(JournalLock.Session, exclusive: true);
        lock (_flushing)
        {
            lock (_gate)
            {
                if (_closed)
                    return;
                _closed = true;
                _running.AddRange(_waiting);
                _waiting.Clear();
            }

            Complete(CloseFlush(isLast));
            _flush.Dispose();
        }

        // Readers and writers that are disposed late keep the file open, but nobody out.
        if (_control.IsClean)
            _control.Locks.Unlock(JournalLock.Session);
        else if (isLast && _state.Options.Access == JournalAccess.Shared)
            _control.Locks.TryLock(JournalLock.Session, exclusive: false);
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever went wrong is told to those that wait, and closing goes on.")]
    private Exception? CloseFlush(bool isLast)
    {
        try
        {
            var started = TimeProvider.System.GetTimestamp();
            var flushed = false;
            while (!(flushed = _flush.TryRun(null) && IsCovered()) && TimeProvider.System.GetElapsedTime(started) < ClosePatience)
                Thread.Yield();
            if (flushed && isLast && !_state.HasWriters)
                _flush.TryEndSession();
            return flushed || _running.Count == 0 ? null : new ObjectDisposedException(typeof(Journal).FullName,
                "The journal was closed while another writer was in the middle of an append; whether this one is durable is unknown.");
        }
        catch (Exception failure)
        {
            return failure;
        }
    }

    // A flush that was under way when the journal was closed covers less than all.
    private bool IsCovered() => _flush.IsAllDurable && (_running.Count == 0 || Furthest() <= _flush.Covered);

    private FlushWaiter Enqueue(JournalPlace place, JournalPosition result, CancellationToken cancellation, out short version)
    {
        _state.Segments.Preparer.IsWaitedFor = true;
        var waiter = _pool.Take();
        version = waiter.Version;
        waiter.Start(place, result, cancellation);
        lock (_gate)
        {
            if (!_closed)
            {
                _waiting.Add(waiter);
                QueueTurn();
                return waiter;
            }
        }

        waiter.Complete(new ObjectDisposedException(typeof(Journal).FullName));
        return waiter;
    }

    private void Request()
    {
        lock (_gate)
        {
            if (!_closed)
                QueueTurn();
        }
    }

    // The caller holds the gate.
    private void QueueTurn()
    {
        if (_queued)
            return;

        _queued = true;
        _background.Queue(_turn);
    }

    private void Turn()
    {
        for (var more = true; more;)
        {
            lock (_flushing)
            {
                lock (_gate)
                {
                    if (_closed)
                        return;
                    // Those of a flush that waits for a slow writer stay: its mark does not cover later ones.
                    if (_running.Count == 0)
                        (_running, _waiting) = (_waiting, _running);
                }

                if (!TryFlush(out var failure))
                {
                    _background.QueueAfter(_turn, RetryDelay);
                    return;
                }

                Complete(failure);
            }

            _patience.AwaitMore(ref _waiting);
            lock (_gate)
            {
                more = _waiting.Count > 0 || _running.Count > 0;
                _queued = more;
            }
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever went wrong is told to those that wait.")]
    private bool TryFlush(out Exception? failure)
    {
        failure = null;
        try
        {
            var before = _flush.Durable;
            var done = _flush.TryRun(_running.Count > 0 ? Furthest() : null);
            // The mark that says how far this flush came is written with the next one, or in a while.
            if (done && _flush.Durable != before)
                MarkDirty();
            return done;
        }
        catch (Exception thrown)
        {
            failure = thrown;
            return true;
        }
    }

    private JournalPlace Furthest()
    {
        var furthest = default(JournalPlace);
        foreach (var waiter in _running)
        {
            if (waiter.Place > furthest)
                furthest = waiter.Place;
        }

        return furthest;
    }

    /// <summary>Lets those know whose flush is over. A flush that was under way when others came does not cover them: they stay for the
    /// next one.</summary>
    private void Complete(Exception? failure)
    {
        var left = 0;
        for (var i = 0; i < _running.Count; i++)
        {
            if (failure is null && _running[i].Place > _flush.Covered)
                _running[left++] = _running[i];
            else
                _running[i].Complete(failure);
        }

        _running.RemoveRange(left, _running.Count - left);
    }

    private void Tick()
    {
        // In this order: whatever is appended after this is seen below, or finds the journal clean and has it looked at again.
        Interlocked.Exchange(ref _dirty, 0);
        lock (_flushing)
        {
            if (_closed || _control.IsFaulted || _flush.IsUnderWay)
                return;

            _state.Roller!.PrepareForEndOfCycle();
            if (!_flush.IsAllDurable)
                Request();
            else
            {
                TryMark();
                _idle.Watch(Volatile.Read(ref *_control.Tail));
            }
        }
    }

    private void TryMark()
    {
        try
        {
            _flush.WriteIdleMark();
        }
        catch (JournalException)
        {
            // Without it nothing is lost but the difference between a torn tail and damage of the last flush.
            _flush.Dispose();
        }
    }

    private sealed class FlushTurn(JournalFlusher flusher) : IBackgroundWork
    {
        public void Run() => flusher.Turn();
    }

    private sealed class FlushTick(JournalFlusher flusher) : IBackgroundWork
    {
        public void Run() => flusher.Tick();
    }
}
