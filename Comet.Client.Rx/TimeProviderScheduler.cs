using System.Reactive.Concurrency;
using System.Reactive.Disposables;

namespace Comet.Client.Rx;

/// <summary>The clock of a client, or of a test, as the clock of Rx: Buffer, Window, Throttle and their like then run on the time of the
/// broker under test. Made by <see cref="TimeProviderSchedulerExtensions.AsScheduler"/>.</summary>
public sealed class TimeProviderScheduler : LocalScheduler, ISchedulerPeriodic
{
    private readonly TimeProvider _time;

    internal TimeProviderScheduler(TimeProvider time) => _time = time;

    /// <inheritdoc/>
    public override DateTimeOffset Now => _time.GetUtcNow();

    /// <inheritdoc/>
    public override IDisposable Schedule<TState>(TState state, TimeSpan dueTime, Func<IScheduler, TState, IDisposable> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        // What is disposed first takes the timer with it, or keeps the action from running.
        var handle = new MultipleAssignmentDisposable();
        var timer = _time.CreateTimer(
            _ =>
            {
                if (!handle.IsDisposed)
                    handle.Disposable = action(this, state);
            },
            null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        handle.Disposable = timer;
        timer.Change(Scheduler.Normalize(dueTime), Timeout.InfiniteTimeSpan);
        return handle;
    }

    /// <inheritdoc/>
    public override IDisposable Schedule<TState>(TState state, DateTimeOffset dueTime, Func<IScheduler, TState, IDisposable> action) =>
        Schedule(state, dueTime - Now, action);

    /// <inheritdoc/>
    public IDisposable SchedulePeriodic<TState>(TState state, TimeSpan period, Func<TState, TState> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(period, TimeSpan.Zero);
        var gate = new Lock();
        return _time.CreateTimer(
            _ =>
            {
                lock (gate)
                    state = action(state);
            },
            null, period, period);
    }

    /// <inheritdoc/>
    public override IStopwatch StartStopwatch() => new Stopwatch(_time);

    private sealed class Stopwatch(TimeProvider time) : IStopwatch
    {
        private readonly long _start = time.GetTimestamp();

        public TimeSpan Elapsed => time.GetElapsedTime(_start);
    }
}

/// <summary>Clocks as schedulers.</summary>
public static class TimeProviderSchedulerExtensions
{
    /// <summary>A scheduler whose time is that of <paramref name="time"/>, for example the FakeTimeProvider of a test. Actions run on the
    /// thread of its timers.</summary>
    public static TimeProviderScheduler AsScheduler(this TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return new TimeProviderScheduler(time);
    }
}
