namespace Comet.Testing;

/// <summary>A clock that stands still until its host moves it: broker, clients and the program under test wait on it without waiting.
/// Give it to whatever takes a <see cref="TimeProvider"/>.</summary>
/// <remarks>Thread-safe. Callbacks of timers run on the host's engine, in the order in which they are due, and those of one instant in
/// the order in which they were set; a callback that becomes due while another one runs waits for it. It belongs to one host.</remarks>
public sealed class VirtualTime : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly PriorityQueue<VirtualTimer, (long Due, long Order)> _timers = new();
    private readonly long _startTicks;
    private long _nowTicks;
    private long _lastOrder;

    /// <summary>Creates a clock.</summary>
    /// <param name="start">What it says first. Null: midnight of 2026-01-01, UTC.</param>
    public VirtualTime(DateTimeOffset? start = null) =>
        _startTicks = _nowTicks = (start ?? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)).UtcTicks;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How far the clock has been moved since it was created.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(GetTimestamp() - _startTicks);

    /// <summary>When the next timer is due; null when none is set.</summary>
    public DateTimeOffset? NextTimer
    {
        get
        {
            lock (_gate)
                return TryPeek(out var due) ? new DateTimeOffset(due, TimeSpan.Zero) : null;
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => new(GetTimestamp(), TimeSpan.Zero);

    /// <inheritdoc/>
    public override long GetTimestamp() => Interlocked.Read(ref _nowTicks);

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new VirtualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves to the next timer that is due by <paramref name="limit"/> and takes it; null, and the clock stays, when there is
    /// none.</summary>
    internal Action? TakeNext(long limit)
    {
        lock (_gate)
        {
            if (!TryPeek(out var due) || due > limit)
                return null;
            var timer = _timers.Dequeue();
            _nowTicks = Math.Max(_nowTicks, due);
            timer.Due = VirtualTimer.Never;
            if (timer.Period > 0)
                Arm(timer, due + timer.Period);
            return timer.Fire;
        }
    }

    /// <summary>Moves the clock; timers that are passed on the way fire late.</summary>
    internal void MoveTo(long ticks)
    {
        lock (_gate)
            _nowTicks = Math.Max(_nowTicks, ticks);
    }

    /// <summary>Timers that were changed or disposed stay in the queue until they reach its front.</summary>
    private bool TryPeek(out long due)
    {
        while (_timers.TryPeek(out var timer, out var at))
        {
            if (timer.Due == at.Due && timer.Order == at.Order)
            {
                due = at.Due;
                return true;
            }
            _timers.Dequeue();
        }
        due = 0;
        return false;
    }

    private void Arm(VirtualTimer timer, long due)
    {
        (timer.Due, timer.Order) = (due, ++_lastOrder);
        if (due != VirtualTimer.Never)
            _timers.Enqueue(timer, (timer.Due, timer.Order));
    }

    private sealed class VirtualTimer(VirtualTime time, TimerCallback callback, object? state) : ITimer
    {
        public const long Never = long.MaxValue;

        private bool _isDisposed;

        public long Due { get; set; } = Never;

        public long Order { get; set; }

        public long Period { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(dueTime, Timeout.InfiniteTimeSpan);
            ArgumentOutOfRangeException.ThrowIfLessThan(period, Timeout.InfiniteTimeSpan);
            lock (time._gate)
            {
                if (_isDisposed)
                    return false;
                Period = period == Timeout.InfiniteTimeSpan ? 0 : period.Ticks;
                time.Arm(this, dueTime == Timeout.InfiniteTimeSpan ? Never : time._nowTicks + dueTime.Ticks);
                return true;
            }
        }

        public void Dispose()
        {
            lock (time._gate)
                (_isDisposed, Due) = (true, Never);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
