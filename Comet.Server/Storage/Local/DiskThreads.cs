namespace Comet.Server.Storage.Local;

/// <summary>Threads that wait for the disk, so that the broker's do not have to: begun when there is work, at most so many, ended when
/// there has been none for a while. Not the thread pool's: it has two on a small machine, and what waits for a slow file would stop
/// everything else.</summary>
internal sealed class DiskThreads(int most = DiskThreads.Most) : IDisposable
{
    /// <summary>8: so many files are waited for at the same time.</summary>
    public const int Most = 8;

    private static readonly TimeSpan s_idleTime = TimeSpan.FromSeconds(10);

    private readonly object _gate = new();
    private readonly Queue<Action> _first = new();
    private readonly Queue<Action> _work = new();
    private int _threads;
    private int _idle;
    private bool _isClosed;

    /// <summary>Has work done in its turn.</summary>
    public void Run(Action work) => Run(work, isFirst: false);

    /// <summary>Has work done soon. It throws nothing. After <see cref="Dispose"/> what has not begun is still done.</summary>
    /// <param name="work">The work.</param>
    /// <param name="isFirst">Whether it goes before what waits: work that closes files goes before what opens more of them.</param>
    public void Run(Action work, bool isFirst)
    {
        lock (_gate)
        {
            (isFirst ? _first : _work).Enqueue(work);
            if (_idle >= _first.Count + _work.Count)
            {
                Monitor.Pulse(_gate);
                return;
            }
            if (_threads == most)
                return;
            _threads++;
        }
        new Thread(Work) { IsBackground = true, Name = "Comet disk" }.Start();
    }

    /// <summary>Ends the threads when they have nothing left to do. Does not wait for them: one may wait for a disk that is gone.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }
    }

    private void Work()
    {
        while (Take() is { } work)
            work();
    }

    private Action? Take()
    {
        lock (_gate)
        {
            while (true)
            {
                if (_first.TryDequeue(out var work) || _work.TryDequeue(out work))
                    return work;
                _idle++;
                var isCalled = !_isClosed && Monitor.Wait(_gate, s_idleTime);
                _idle--;
                if (isCalled || _first.Count + _work.Count > 0)
                    continue;
                _threads--;
                return null;
            }
        }
    }
}
