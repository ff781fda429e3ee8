using System.Threading.Tasks.Sources;

namespace Comet.Client.Producing;

/// <summary>What one SendAsync waits on. Pooled: taking the result gives it back.</summary>
internal sealed class SendCompletion(SendCompletionPool pool) : IValueTaskSource<MessageId>
{
    // A user's continuation must not run on the receive loop.
    private ManualResetValueTaskSourceCore<MessageId> _core = new() { RunContinuationsAsynchronously = true };

    /// <summary>When the message was taken, by the clock's timestamp.</summary>
    public long Started { get; set; }

    public ValueTask<MessageId> Task => new(this, _core.Version);

    public void Complete(MessageId id) => _core.SetResult(id);

    public void Fail(CometException reason) => _core.SetException(reason);

    public MessageId GetResult(short token)
    {
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            pool.Return(this);
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        // AsTask does not ask for the context, and would leave a single-threaded engine for the thread pool.
        if (pool.Engine is { } engine && ReferenceEquals(engine, SynchronizationContext.Current))
            flags |= ValueTaskSourceOnCompletedFlags.UseSchedulingContext;
        _core.OnCompleted(continuation, state, token, flags);
    }
}

/// <summary>Completions to use again; bounded, so that a burst does not stay in memory.</summary>
internal sealed class SendCompletionPool(SynchronizationContext? engine)
{
    private const int MaxKept = 16_384;

    private readonly Lock _gate = new();
    private readonly Stack<SendCompletion> _free = new();

    /// <summary>The engine's context; null in production.</summary>
    public SynchronizationContext? Engine { get; } = engine;

    public SendCompletion Rent(long started)
    {
        SendCompletion? completion;
        lock (_gate)
            _free.TryPop(out completion);
        completion ??= new SendCompletion(this);
        completion.Started = started;
        return completion;
    }

    public void Return(SendCompletion completion)
    {
        lock (_gate)
        {
            if (_free.Count < MaxKept)
                _free.Push(completion);
        }
    }
}
