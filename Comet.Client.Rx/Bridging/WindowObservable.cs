using System.Reactive.Disposables;

namespace Comet.Client.Rx.Bridging;

/// <summary>Runs a query over each window, and acks or gives back the deliveries of a window as one when both the window and its query have
/// ended.</summary>
/// <remarks>When as many windows are closed and still being queried as may be, the next delivery waits on the source's thread, which is how
/// back-pressure reaches the broker. The thread that closes windows, mostly a timer's, never waits.</remarks>
internal sealed class WindowObservable<T, TResult>(
    IObservable<IObservable<Delivery<T>>> windows,
    Func<IObservable<Delivery<T>>, IObservable<TResult>> query,
    AcknowledgeOptions options) : IObservable<TResult>
{
    public IDisposable Subscribe(IObserver<TResult> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        var run = new Run(query, options, observer);
        run.Source.Disposable = windows.Subscribe(run);
        return run;
    }

    internal sealed class Run(
        Func<IObservable<Delivery<T>>, IObservable<TResult>> query, AcknowledgeOptions options, IObserver<TResult> observer)
        : IObserver<IObservable<Delivery<T>>>, IDisposable
    {
        private readonly Lock _downstream = new();
        // A monitor and not a Lock: the source's thread waits here.
        private readonly object _places = new();
        private int _closing;
        private int _unsettled;
        private bool _isDisposed;
        private bool _sourceHasEnded;
        private bool _hasEnded;

        public SingleAssignmentDisposable Source { get; } = new();

        public CompositeDisposable Handles { get; } = [];

        public AcknowledgeOptions Options => options;

        public void OnNext(IObservable<Delivery<T>> value)
        {
            lock (_places)
                _unsettled++;
            var window = new WindowRun<T, TResult>(this);
            Handles.Add(window);
            window.Open(value, query);
        }

        public void OnError(Exception error) => End(error);

        public void OnCompleted()
        {
            lock (_places)
            {
                _sourceHasEnded = true;
                if (_unsettled > 0)
                    return;
            }
            End(null);
        }

        public void Push(TResult result)
        {
            try
            {
                lock (_downstream)
                {
                    if (!_hasEnded)
                        observer.OnNext(result);
                }
            }
            catch (Exception e)
            {
                Dispose();
                Unhandled.Throw(e);
            }
        }

        /// <summary>Waits while too many windows are closed and not settled.</summary>
        public void WaitForPlace()
        {
            lock (_places)
            {
                while (_closing >= options.MaxConcurrency && !_isDisposed)
                    Monitor.Wait(_places);
            }
        }

        /// <summary>A window is closed, and its query goes on.</summary>
        public void Closing()
        {
            lock (_places)
                _closing++;
        }

        public void Settled(WindowRun<T, TResult> window, bool wasClosing)
        {
            Handles.Remove(window);
            lock (_places)
            {
                if (wasClosing)
                    _closing--;
                Monitor.PulseAll(_places);
                if (--_unsettled > 0 || !_sourceHasEnded)
                    return;
            }
            End(null);
        }

        public void End(Exception? error)
        {
            lock (_downstream)
            {
                if (_hasEnded)
                    return;
                _hasEnded = true;
                if (error is null)
                    observer.OnCompleted();
                else
                    observer.OnError(error);
            }
            Dispose();
        }

        public void Dispose()
        {
            lock (_places)
            {
                _isDisposed = true;
                Monitor.PulseAll(_places);
            }
            // The source first: what the windows give back comes again at once, and must not come to a sequence that is just being taken
            // down, where nobody would give it back again.
            Source.Dispose();
            Handles.Dispose();
        }
    }
}
