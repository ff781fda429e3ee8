using Comet.Integration.Tests.Processes;

namespace Comet.Crash.Tests.Load;

/// <summary>Lets one wait until something has come to pass.</summary>
internal sealed class Progress
{
    private TaskCompletionSource? _waiter;

    /// <summary>Something has changed.</summary>
    public void Signal() => Interlocked.Exchange(ref _waiter, null)?.TrySetResult();

    /// <summary>Completes when a condition holds, or the wait was cancelled; fails when neither comes in time.</summary>
    public async Task WaitAsync(Func<bool> isDone, Func<string> state, CancellationToken cancelled = default)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancelled);
        limit.CancelAfter(Limits.Wait);
        while (true)
        {
            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _waiter, waiter);
            if (isDone())
                return;
            try
            {
                await waiter.Task.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                if (cancelled.IsCancellationRequested)
                    return;
                Assert.Fail($"No progress in {Limits.Wait.TotalSeconds} s: {state()}.");
            }
        }
    }
}
