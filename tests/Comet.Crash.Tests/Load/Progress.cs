using Comet.Integration.Tests.Processes;

namespace Comet.Crash.Tests.Load;

/// <summary>Lets one wait until something has come to pass.</summary>
internal sealed class Progress
{
    private TaskCompletionSource? _waiter;

    /// <summary>Something has changed.</summary>
    public void Signal() => Interlocked.Exchange(ref _waiter, null)?.TrySetResult();

    /// <summary>Completes when a condition holds; fails when it does not in time.</summary>
    public async Task WaitAsync(Func<bool> isDone, Func<string> state)
    {
        using var limit = new CancellationTokenSource(Limits.Wait);
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
                Assert.Fail($"No progress in {Limits.Wait.TotalSeconds} s: {state()}.");
            }
        }
    }
}
