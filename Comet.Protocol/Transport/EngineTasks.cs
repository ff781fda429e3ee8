namespace Comet.Transport;

/// <summary>Ways to wait and to cancel that stay in the context they are used under. The class library's own leave a single-threaded
/// scheduler for the thread pool: WaitAsync, WhenAll and WhenAny do so when what they wait for is completed with
/// RunContinuationsAsynchronously, and CancelAsync always does (decision 0060).</summary>
internal static class EngineTasks
{
    /// <summary>The task itself where there is no context, as in production; in one, a task that is completed there, so that what is
    /// built on it (WaitAsync, WhenAll, WhenAny) does not hop.</summary>
    public static Task InContextAsync(this Task task) =>
        task.IsCompleted || SynchronizationContext.Current is null ? task : RelayAsync(task);

    /// <inheritdoc cref="InContextAsync(Task)"/>
    public static Task<T> InContextAsync<T>(this Task<T> task) =>
        task.IsCompleted || SynchronizationContext.Current is null ? task : RelayAsync(task);

    /// <summary>Cancels soon, and not inside the caller's call: in the engine's context, or on the thread pool where that is
    /// null.</summary>
    public static Task CancelSoonAsync(this CancellationTokenSource source, SynchronizationContext? engine)
    {
        if (engine is null)
            return source.CancelAsync();
        using (EngineContext.Enter(engine))
            return YieldAndCancelAsync(source);
    }

    private static async Task YieldAndCancelAsync(CancellationTokenSource source)
    {
        await Task.Yield();
        Cancel(source);
    }

    private static void Cancel(CancellationTokenSource source) => source.Cancel();

    private static async Task RelayAsync(Task task) => await task;

    private static async Task<T> RelayAsync<T>(Task<T> task) => await task;
}
