using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Tests;

/// <summary>A virtual clock that tells when a timer of a certain length was started, so that a test moves the clock only when what it
/// tests waits for it.</summary>
internal sealed class WatchedTime : FakeTimeProvider
{
    private readonly ConcurrentDictionary<TimeSpan, SemaphoreSlim> _started = new();

    /// <summary>Completes when a timer of this length was started; each start counts for one call.</summary>
    public Task WaitForTimerAsync(TimeSpan length) => Started(length).WaitAsync(TestContext.Current.CancellationToken);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        Started(dueTime).Release();
        return timer;
    }

    private SemaphoreSlim Started(TimeSpan length) => _started.GetOrAdd(length, static _ => new(0));
}
