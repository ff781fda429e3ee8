namespace Comet.Journals.Background;

/// <summary>The threads that all journals of a process share for work that waits for the disk: begun when there is work, at most
/// so many, ended when there has been none for a while. Not the thread pool's, which others may have exhausted.</summary>
internal sealed class BackgroundThreads : IBackgroundQueue
{
    /// <summary>8: flushes of so many journals run at once.</summary>
    public const int MaxFlushThreads = 8;

    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(10);

    private readonly object _gate = new();
    private readonly Queue<IBackgroundWork> _ready = new();
    private readonly BackgroundClock _clock;
    private int _threads;
    private int _idle;

    private readonly int _maxThreads;

    public BackgroundThreads(int maxThreads)
    {
        _maxThreads = maxThreads;
        _clock = new BackgroundClock(this);
    }

    public static BackgroundThreads Shared { get; } = new(MaxFlushThreads);

    /// <summary>One thread, which compresses and moves for all journals, one after the other.</summary>
    public static BackgroundThreads Maintenance { get; } = new(1);

    public void Queue(IBackgroundWork work)
    {
        lock (_gate)
        {
            _ready.Enqueue(work);
            Attend();
        }
    }

    public void QueueAfter(IBackgroundWork work, TimeSpan delay) => _clock.Add(work, delay);

    // The caller holds the gate. A sleeper that was called but does not run yet still counts as idle; it calls the next one itself.
    private void Attend()
    {
        if (_idle > 0)
            Monitor.Pulse(_gate);
        else if (_threads < _maxThreads)
        {
            _threads++;
            new Thread(Work) { IsBackground = true, Name = "Comet.Journal" }.Start();
        }
    }

    private void Work()
    {
        while (Next() is { } work)
            work.Run();
    }

    /// <summary>The next work, waited for; null when this thread is to end.</summary>
    private IBackgroundWork? Next()
    {
        lock (_gate)
        {
            while (true)
            {
                if (_ready.TryDequeue(out var work))
                {
                    if (_ready.Count > 0)
                        Attend();
                    return work;
                }

                _idle++;
                var called = Monitor.Wait(_gate, IdleTime);
                _idle--;
                if (!called && _ready.Count == 0)
                {
                    _threads--;
                    return null;
                }
            }
        }
    }
}
