namespace Comet.Testing.Engine;

/// <summary>One thread that runs everything of a host, one piece after the other, and moves the clock when nothing is left to run: all
/// that can run at an instant runs before the next timer fires. With nothing coming from other threads, what it does depends on its seed
/// alone.</summary>
internal sealed class EngineThread : SynchronizationContext, IDisposable
{
    // Taken work stays in front of the list until there is so much of it.
    private const int CompactAt = 1024;

    private readonly Lock _gate = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly List<Work> _ready = [];
    private readonly PriorityQueue<TaskCompletionSource, (long Due, long Order)> _sleepers = new();
    private readonly List<TaskCompletionSource> _idleWaiters = [];
    private readonly List<Run> _runs = [];
    private readonly VirtualTime? _time;
    private readonly Random? _shuffle;
    private readonly Thread _thread;
    private int _firstReady;
    private long _lastOrder;
    private Exception? _fault;
    private bool _isStopped;

    /// <param name="time">The clock to move; null: it is somebody else's.</param>
    /// <param name="shuffle">Draws which piece runs next; null: the one that came first.</param>
    public EngineThread(VirtualTime? time, Random? shuffle)
    {
        (_time, _shuffle) = (time, shuffle);
        _thread = new Thread(Loop) { IsBackground = true, Name = "comet-test-host" };
        _thread.Start();
    }

    /// <summary>How many pieces have run.</summary>
    public long Steps { get; private set; }

    /// <summary>How many pieces came from other threads while something ran that must repeat.</summary>
    public long Strays { get; private set; }

    public bool IsCurrent => Thread.CurrentThread == _thread;

    public override SynchronizationContext CreateCopy() => this;

    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("The engine of a test host takes work by Post only.");

    public override void Post(SendOrPostCallback d, object? state)
    {
        ArgumentNullException.ThrowIfNull(d);
        lock (_gate)
        {
            if (!_isStopped)
            {
                if (!IsCurrent && _runs.Count > 0)
                    Strays++;
                _ready.Add(new Work(d, state));
                if (!IsCurrent)
                    _wake.Set();
                return;
            }
        }
        ThreadPool.QueueUserWorkItem(static work => work.Callback(work.State), new Work(d, state), preferLocal: false);
    }

    /// <summary>Completes when nothing can run until the clock moves.</summary>
    public Task IdleAsync()
    {
        var waiter = new TaskCompletionSource();
        lock (_gate)
        {
            if (TakeFault() is { } fault)
                return Task.FromException(fault);
            _idleWaiters.Add(waiter);
        }
        _wake.Set();
        return waiter.Task;
    }

    /// <summary>Has the clock moved by so much, timer by timer; completes when nothing can run any more.</summary>
    public Task AdvanceAsync(TimeSpan by)
    {
        var sleeper = new TaskCompletionSource();
        lock (_gate)
        {
            if (TakeFault() is { } fault)
                return Task.FromException(fault);
            _sleepers.Enqueue(sleeper, (_time!.GetTimestamp() + by.Ticks, ++_lastOrder));
        }
        _wake.Set();
        return sleeper.Task;
    }

    /// <summary>Runs a body here; until it is done the clock moves by itself whenever nothing can run.</summary>
    /// <param name="body">What to run.</param>
    /// <param name="limit">How far the clock may move by itself until then; what AdvanceAsync moves it does not count.</param>
    public Task RunAsync(Func<Task> body, TimeSpan limit)
    {
        var run = new Run(limit.Ticks, _time is null ? long.MaxValue : _time.GetTimestamp() + limit.Ticks);
        var flow = ExecutionContext.Capture();
        Post(_ =>
        {
            lock (_gate)
                _runs.Add(run);
            if (flow is null)
                _ = BodyAsync(run, body);
            else
                ExecutionContext.Run(flow, _ => _ = BodyAsync(run, body), null);
        }, null);
        return run.Done.Task;
    }

    /// <summary>Runs a body here, without moving the clock; where the caller is here already it begins at once.</summary>
    public async Task<T> InvokeAsync<T>(Func<Task<T>> body)
    {
        if (IsCurrent)
            return await body();
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(_ => _ = CompleteAsync(body, done), null);
        return await done.Task;
    }

    public void Dispose()
    {
        lock (_gate)
            _isStopped = true;
        _wake.Set();
        if (IsCurrent)
            return;
        _thread.Join();
        _wake.Dispose();
    }

    private static async Task CompleteAsync<T>(Func<Task<T>> body, TaskCompletionSource<T> done)
    {
        try
        {
            done.SetResult(await body());
        }
        // Whatever it is, it is the caller's.
        catch (Exception e)
        {
            done.SetException(e);
        }
    }

    private async Task BodyAsync(Run run, Func<Task> body)
    {
        try
        {
            await body();
            Finish(run, null);
        }
        catch (Exception e)
        {
            Finish(run, e);
        }
    }

    private void Finish(Run run, Exception? failure)
    {
        lock (_gate)
            _runs.Remove(run);
        if (failure is null)
            run.Done.TrySetResult();
        else
            run.Done.TrySetException(failure);
    }

    private void Loop()
    {
        SetSynchronizationContext(this);
        while (!Volatile.Read(ref _isStopped))
        {
            if (TryTake(out var work))
                Execute(work.Callback, work.State);
            else if (!TryMove())
                _wake.WaitOne();
        }
    }

    private bool TryTake(out Work work)
    {
        lock (_gate)
        {
            var count = _ready.Count - _firstReady;
            work = default;
            if (count == 0)
                return false;
            var index = _firstReady;
            if (_shuffle is not null)
            {
                index += _shuffle.Next(count);
                (_ready[index], _ready[_firstReady]) = (_ready[_firstReady], _ready[index]);
            }
            work = _ready[_firstReady];
            _ready[_firstReady++] = default;
            if (_firstReady == _ready.Count || _firstReady >= CompactAt)
            {
                _ready.RemoveRange(0, _firstReady);
                _firstReady = 0;
            }
            return true;
        }
    }

    private void Execute(SendOrPostCallback callback, object? state)
    {
        Steps++;
        try
        {
            callback(state);
        }
        // What nobody awaits has failed, which ends a process that runs on the thread pool; here it ends what waits.
        catch (Exception e)
        {
            FailAll(e);
        }
        if (!ReferenceEquals(Current, this))
            SetSynchronizationContext(this);
    }

    /// <summary>Nothing can run: wakes who waits for that, or moves the clock; false when there is neither.</summary>
    private bool TryMove()
    {
        TaskCompletionSource? waiter = null;
        var limit = -1L;
        lock (_gate)
        {
            if (_ready.Count > _firstReady)
                return true;
            if (_idleWaiters.Count > 0)
            {
                waiter = _idleWaiters[0];
                _idleWaiters.RemoveAt(0);
            }
            else if (_sleepers.TryPeek(out _, out var next))
                limit = next.Due;
            else if (_runs.Count > 0)
                limit = _runs.Min(static r => r.Limit);
        }
        if (waiter is not null)
        {
            waiter.TrySetResult();
            return true;
        }
        if (limit < 0 || _time is null)
            return false;
        if (_time.TakeNext(limit) is { } fire)
        {
            Execute(static timer => ((Action)timer!)(), fire);
            return true;
        }
        return Arrive(limit);
    }

    /// <summary>No timer is due before the limit: the sleeper has slept, or the run waits in vain.</summary>
    private bool Arrive(long limit)
    {
        TaskCompletionSource? sleeper = null;
        Run? late = null;
        lock (_gate)
        {
            if (_ready.Count > _firstReady)
                return true;
            if (_sleepers.TryPeek(out sleeper, out var next) && next.Due <= limit)
            {
                _sleepers.Dequeue();
                foreach (var run in _runs)
                    run.Limit = limit + run.Span;
            }
            else
                (sleeper, late) = (null, _runs.MinBy(static r => r.Limit));
        }
        if (sleeper is not null)
        {
            _time!.MoveTo(limit);
            sleeper.TrySetResult();
            return true;
        }
        if (late is null)
            return false;
        var what = _time!.NextTimer is { } timer ? $"its limit of virtual time; the next timer is due at {timer:O}" : "the last timer";
        Finish(late, new TimeoutException(
            $"The test waits for something that will not come: nothing can run, and the clock stands at {_time.GetUtcNow():O}, at {what}."
            + (Strays > 0 ? $" {Strays} continuation(s) came from other threads (ConfigureAwait(false), Task.Run, …); the clock does not "
                + "wait for those." : "")));
        return true;
    }

    private void FailAll(Exception reason)
    {
        TaskCompletionSource[] waiting;
        lock (_gate)
        {
            waiting = [.. _idleWaiters, .. _sleepers.UnorderedItems.Select(static s => s.Element), .. _runs.Select(static r => r.Done)];
            _idleWaiters.Clear();
            _sleepers.Clear();
            _runs.Clear();
        }
        // Nobody waits at the moment: whoever waits next hears of it.
        if (waiting.Length == 0)
            _fault ??= reason;
        foreach (var waiter in waiting)
            waiter.TrySetException(reason);
    }

    private Exception? TakeFault()
    {
        var fault = _fault;
        _fault = null;
        return fault;
    }

    private readonly record struct Work(SendOrPostCallback Callback, object? State);

    private sealed class Run(long span, long limit)
    {
        /// <summary>How far the clock may move by itself.</summary>
        public long Span { get; } = span;

        public long Limit { get; set; } = limit;

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
