namespace Comet.Transport;

/// <summary>Runs a piece of code under the synchronization context of the engine instead of the caller's, so that its continuations
/// never come back to a user's thread. The engine's context is null in production (the thread pool) and a single-threaded scheduler
/// in a simulation; that is why there is no ConfigureAwait(false) here, which would leave such a scheduler (decision 0003).</summary>
internal readonly ref struct EngineContext
{
    private readonly SynchronizationContext? _callers;

    private EngineContext(SynchronizationContext? engine)
    {
        _callers = SynchronizationContext.Current;
        if (!ReferenceEquals(_callers, engine))
            SynchronizationContext.SetSynchronizationContext(engine);
    }

    public static EngineContext Enter(SynchronizationContext? engine) => new(engine);

    public void Dispose()
    {
        if (!ReferenceEquals(_callers, SynchronizationContext.Current))
            SynchronizationContext.SetSynchronizationContext(_callers);
    }
}
