using System.Reactive.Concurrency;

namespace Comet.Client.Rx.Bridging;

/// <summary>Pushes an asynchronous stream to an observer: takes the next item only when OnNext has returned, so that back-pressure goes all
/// the way to the broker, and stops for good when the handle is disposed.</summary>
internal sealed class AsyncPump<T>(
    Func<CancellationToken, IAsyncEnumerable<T>> open, IObserver<T> observer, IScheduler? scheduler, Func<T, ValueTask>? giveBack)
        : IDisposable
{
    private readonly CancellationTokenSource _stop = new();

    public static IObservable<T> ToObservable(
        Func<CancellationToken, IAsyncEnumerable<T>> open, IScheduler? scheduler = null, Func<T, ValueTask>? giveBack = null) =>
        new PumpedObservable(open, scheduler, giveBack);

    public void Dispose() => _stop.Cancel();

    private void Start() => _ = Task.Run(RunAsync);

    private async Task RunAsync()
    {
        try
        {
            await foreach (var item in open(_stop.Token).WithCancellation(_stop.Token))
            {
                if (_stop.IsCancellationRequested || !await TryPushAsync(item))
                {
                    await GiveBackAsync(item);
                    return;
                }
            }
            await EndAsync(observer.OnCompleted);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Unsubscribed: an observer that has gone hears nothing more.
        }
        // Whatever the stream ends with is the sequence's error.
        catch (Exception e)
        {
            await EndAsync(() => observer.OnError(e));
        }
    }

    /// <summary>False when the item was not shown, or the observer has thrown: the sequence ends.</summary>
    private async Task<bool> TryPushAsync(T item)
    {
        try
        {
            return await TryRunAsync(() => observer.OnNext(item));
        }
        catch (Exception e)
        {
            await _stop.CancelAsync();
            Unhandled.Throw(e);
            return false;
        }
    }

    private async Task EndAsync(Action end)
    {
        try
        {
            await TryRunAsync(end);
        }
        catch (Exception e)
        {
            Unhandled.Throw(e);
        }
    }

    /// <summary>Calls the observer where the scheduler says; false when the handle was disposed first, whether the scheduler comes to it or
    /// not.</summary>
    private async Task<bool> TryRunAsync(Action act)
    {
        if (_stop.IsCancellationRequested)
            return false;
        if (scheduler is null)
        {
            act();
            return true;
        }
        var done = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var isDecided = 0;
        using var scheduled = scheduler.Schedule(() =>
        {
            if (Interlocked.Exchange(ref isDecided, 1) != 0)
                return;
            try
            {
                act();
                done.TrySetResult(true);
            }
            catch (Exception e)
            {
                done.TrySetException(e);
            }
        });
        using var disposed = _stop.Token.Register(() =>
        {
            if (Interlocked.Exchange(ref isDecided, 1) == 0)
                done.TrySetResult(false);
        });
        return await done.Task;
    }

    private async Task GiveBackAsync(T item)
    {
        try
        {
            if (giveBack is not null)
                await giveBack(item);
        }
        catch (CometException)
        {
            // The consumer has ended, and with it the broker has the message back.
        }
    }

    private sealed class PumpedObservable(
        Func<CancellationToken, IAsyncEnumerable<T>> open, IScheduler? scheduler, Func<T, ValueTask>? giveBack) : IObservable<T>
    {
        public IDisposable Subscribe(IObserver<T> observer)
        {
            ArgumentNullException.ThrowIfNull(observer);
            var pump = new AsyncPump<T>(open, observer, scheduler, giveBack);
            pump.Start();
            return pump;
        }
    }
}
