using System.Reactive.Disposables;
using System.Reactive.Subjects;

namespace Comet.Client.Rx.Bridging;

/// <summary>One window of a <see cref="WindowObservable{T, TResult}"/>: what it holds, whether it is closed, and how its query has
/// ended.</summary>
internal sealed class WindowRun<T, TResult>(WindowObservable<T, TResult>.Run run) : IObserver<Delivery<T>>, IDisposable
{
    private readonly Subject<Delivery<T>> _window = new();
    private readonly List<Delivery<T>> _deliveries = [];
    private readonly CompositeDisposable _handles = [];
    private readonly Lock _gate = new();
    private Exception? _failure;
    private bool _isClosed;
    private bool _isClosing;
    private bool _isQueried;
    private bool _isSettled;

    public void Open(IObservable<Delivery<T>> window, Func<IObservable<Delivery<T>>, IObservable<TResult>> query)
    {
        try
        {
            _handles.Add(query(_window).Subscribe(run.Push, Queried, () => Queried(null)));
        }
        // A query that cannot even begin fails its window, and the sequence goes on.
        catch (Exception e)
        {
            Queried(e);
        }
        _handles.Add(window.Subscribe(this));
    }

    public void OnNext(Delivery<T> value)
    {
        run.WaitForPlace();
        lock (_gate)
        {
            if (_isSettled)
            {
                Settlement.Forget(value.NackAsync());
                return;
            }
            _deliveries.Add(value);
        }
        _window.OnNext(value);
    }

    /// <summary>The source has failed: its consumer has ended, and nothing can be acked any more.</summary>
    public void OnError(Exception error) => run.End(error);

    public void OnCompleted()
    {
        lock (_gate)
        {
            _isClosed = true;
            _isClosing = !_isQueried && !_isSettled;
        }
        if (_isClosing)
            run.Closing();
        _window.OnCompleted();
        TrySettle();
    }

    /// <summary>The handle is disposed: what the window holds is given back, unless it is settled.</summary>
    public void Dispose()
    {
        _handles.Dispose();
        lock (_gate)
        {
            if (_isSettled)
                return;
            _isSettled = true;
        }
        Settlement.Forget(_deliveries.NackAllAsync());
    }

    private void Queried(Exception? failure)
    {
        lock (_gate)
        {
            _failure = failure;
            _isQueried = true;
        }
        TrySettle();
    }

    private void TrySettle()
    {
        lock (_gate)
        {
            if (!_isClosed || !_isQueried || _isSettled)
                return;
            _isSettled = true;
        }
        _ = SettleAsync();
    }

    private async Task SettleAsync()
    {
        try
        {
            if (_failure is null)
                await _deliveries.AckAllAsync();
            else
                await Settlement.GiveBackAsync(_deliveries, _failure, run.Options);
        }
        catch (CometException e)
        {
            // The consumer has ended: nothing can be acked or given back any more.
            run.End(e);
        }
        finally
        {
            run.Settled(this, _isClosing);
        }
    }
}
