using System.Reactive.Disposables;

namespace Comet.Client.Rx.Bridging;

/// <summary>Handles items with a bounded number of handlers at a time; an item is acked when its handler has succeeded and given back when
/// it has failed. OnNext of the operator blocks while all handlers are busy; OnNext downstream is called by one thread at a time.</summary>
internal sealed class AcknowledgedObservable<TItem>(
    IObservable<TItem> source,
    Func<TItem, TItem?> takeHeld,
    Func<TItem, CancellationToken, Task> handler,
    int maxConcurrency,
    Func<TItem, ValueTask> ackAsync,
    Func<TItem, Exception, ValueTask> giveBackAsync) : IObservable<TItem>
    where TItem : class
{
    public IDisposable Subscribe(IObserver<TItem> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        var run = new Run(this, observer);
        run.Handle = source.Subscribe(run);
        return run;
    }

    private sealed class Run(AcknowledgedObservable<TItem> operation, IObserver<TItem> observer) : IObserver<TItem>, IDisposable
    {
        private readonly SemaphoreSlim _slots = new(operation.MaxConcurrency);
        private readonly CancellationTokenSource _stop = new();
        private readonly Lock _downstream = new();
        // What is disposed before the source has given its handle disposes that when it comes.
        private readonly SingleAssignmentDisposable _handle = new();
        private bool _hasEnded;

        public IDisposable? Handle
        {
            set => _handle.Disposable = value;
        }

        public void OnNext(TItem value)
        {
            try
            {
                _slots.Wait(_stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            // What was lost while it was on its way, or waited here, is somebody else's now.
            if (operation.TakeHeld(value) is { } held)
            {
                // A handler that never awaits runs here, on the source's thread, in order.
                _ = HandleAsync(held);
            }
            else
            {
                _slots.Release();
            }
        }

        public void OnError(Exception error) => _ = EndAsync(() => observer.OnError(error));

        public void OnCompleted() => _ = EndAsync(observer.OnCompleted);

        public void Dispose()
        {
            _stop.Cancel();
            _handle.Dispose();
        }

        private async Task HandleAsync(TItem value)
        {
            try
            {
                if (await TryHandleAsync(value) && !_stop.IsCancellationRequested)
                    Push(value);
            }
            catch (CometException e)
            {
                // The consumer has ended: nothing can be acked or given back any more.
                var isFirst = !_stop.IsCancellationRequested;
                Dispose();
                if (isFirst)
                    NotifyEnd(() => observer.OnError(e));
            }
            finally
            {
                _slots.Release();
            }
        }

        private void Push(TItem value)
        {
            try
            {
                lock (_downstream)
                {
                    if (!_hasEnded)
                        observer.OnNext(value);
                }
            }
            catch (Exception e)
            {
                Dispose();
                Unhandled.Throw(e);
            }
        }

        private async Task<bool> TryHandleAsync(TItem value)
        {
            try
            {
                await operation.Handler(value, _stop.Token);
            }
            // Whatever a handler throws, the message comes again and the sequence goes on.
            catch (Exception e)
            {
                await operation.GiveBackAsync(value, e);
                return false;
            }
            await operation.AckAsync(value);
            return true;
        }

        /// <summary>Waits until all handlers are done.</summary>
        private async Task EndAsync(Action end)
        {
            for (var i = 0; i < operation.MaxConcurrency; i++)
                await _slots.WaitAsync();
            if (!_stop.IsCancellationRequested)
                NotifyEnd(end);
        }

        /// <summary>A sequence ends once, however many handlers find its consumer gone.</summary>
        private void NotifyEnd(Action end)
        {
            lock (_downstream)
            {
                if (_hasEnded)
                    return;
                _hasEnded = true;
                end();
            }
        }
    }

    private Func<TItem, TItem?> TakeHeld => takeHeld;

    private int MaxConcurrency => maxConcurrency;

    private Func<TItem, CancellationToken, Task> Handler => handler;

    private Func<TItem, ValueTask> AckAsync => ackAsync;

    private Func<TItem, Exception, ValueTask> GiveBackAsync => giveBackAsync;
}
