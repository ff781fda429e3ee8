using System.Threading.Tasks.Sources;
using Comet.Journals.Segments;

namespace Comet.Journals.Durability;

/// <summary>One wait for a flush, used again and again. It goes back to its pool when both sides are done with it: the flush, which keeps
/// it until it is over even when nobody waits any more, and whoever waited, once the result has been taken.</summary>
internal sealed class FlushWaiter(FlushWaiterPool pool) : IValueTaskSource<JournalPosition>, IValueTaskSource
{
    private const int BothSides = 2;

    private ManualResetValueTaskSourceCore<JournalPosition> _source = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private JournalPosition _position;
    private int _sides;
    private int _isOver;

    public short Version => _source.Version;

    /// <summary>What has to be durable.</summary>
    public JournalPlace Place { get; private set; }

    public void Start(JournalPlace place, JournalPosition position, CancellationToken cancellation)
    {
        Place = place;
        _position = position;
        _sides = BothSides;
        _isOver = 0;
        if (cancellation.CanBeCanceled)
        {
            _registration = cancellation.UnsafeRegister(
                static (waiter, token) => ((FlushWaiter)waiter!).Cancel(token), this);
        }
    }

    /// <summary>The flush is over; null when it went well.</summary>
    public void Complete(Exception? failure)
    {
        if (Interlocked.Exchange(ref _isOver, 1) == 0)
        {
            if (failure is null)
                _source.SetResult(_position);
            else
                _source.SetException(failure);
        }

        Leave();
    }

    public JournalPosition GetResult(short token)
    {
        try
        {
            return _source.GetResult(token);
        }
        finally
        {
            // When its callback runs right now, it must not meet the waiter in its next life.
            if (_registration.Token.CanBeCanceled && !_registration.Unregister())
                _sides = int.MaxValue;
            Leave();
        }
    }

    void IValueTaskSource.GetResult(short token) => GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private void Cancel(CancellationToken token)
    {
        if (Interlocked.Exchange(ref _isOver, 1) == 0)
            _source.SetException(new OperationCanceledException(token));
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _sides) != 0)
            return;

        _registration = default;
        _source.Reset();
        pool.Return(this);
    }
}
