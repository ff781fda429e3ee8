using System.Diagnostics.CodeAnalysis;

namespace Comet.Server.Storage.Local;

/// <summary>Two threads that write and merge runs of what waits for its time, for all partitions: one for what is short, one for what is
/// long. They begin with the first work.</summary>
internal sealed class DelayWorkers : IDisposable
{
    private readonly Worker _short = new("Comet delays");
    private readonly Worker _long = new("Comet delay merges");
    private volatile bool _isClosing;

    public void Post(Action work, bool isLong) => (isLong ? _long : _short).Post(work);

    /// <exception cref="ObjectDisposedException">The broker is closing: what is long is not finished.</exception>
    public void ThrowIfClosing() => ObjectDisposedException.ThrowIf(_isClosing, this);

    /// <summary>Ends when what is under way is done. What has not begun is left.</summary>
    public void Dispose()
    {
        _isClosing = true;
        _short.Dispose();
        _long.Dispose();
    }

    private sealed class Worker(string name) : IDisposable
    {
        private readonly object _gate = new();
        private readonly Queue<Action> _work = new();
        private Thread? _thread;
        private bool _isClosing;

        public void Post(Action work)
        {
            lock (_gate)
            {
                if (_isClosing)
                    return;
                _work.Enqueue(work);
                if (_thread is null)
                {
                    _thread = new Thread(Run) { IsBackground = true, Name = name };
                    _thread.Start();
                }
                Monitor.Pulse(_gate);
            }
        }

        public void Dispose()
        {
            lock (_gate)
            {
                _isClosing = true;
                Monitor.Pulse(_gate);
            }
            _thread?.Join();
        }

        private void Run()
        {
            while (TryTake(out var work))
                work();
        }

        private bool TryTake([NotNullWhen(true)] out Action? work)
        {
            lock (_gate)
            {
                while (_work.Count == 0 && !_isClosing)
                    Monitor.Wait(_gate);
                work = _isClosing ? null : _work.Dequeue();
                return work is not null;
            }
        }
    }
}
