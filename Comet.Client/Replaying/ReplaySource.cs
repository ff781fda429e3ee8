using Comet.Client.Consuming;

namespace Comet.Client.Replaying;

/// <summary>The messages of one partition up to the end of its stretch.</summary>
internal sealed class ReplaySource<T>(ConsumerCore core, ReplayStretch stretch) : IAsyncDisposable
{
    private bool _isDone = core.OnlyPartition.NextOffset >= stretch.EndOffset;

    public int Partition => stretch.Partition;

    /// <summary>The next message; null at the end.</summary>
    public async ValueTask<Delivery<T>?> NextAsync(CancellationToken cancellationToken)
    {
        while (!_isDone)
        {
            // Asked before what has arrived is looked at: whatever comes behind such a report lies behind the end. Retention may have
            // dropped the last messages of the stretch, so that none of them will ever come.
            var caughtUp = core.OnlyPartition.CaughtUpGeneration;
            if (Delivery<T>.TryTake(core) is { } delivery)
            {
                _isDone = delivery.Offset >= stretch.EndOffset - 1 || delivery.AppendTime >= stretch.EndTime;
                return delivery.Offset < stretch.EndOffset && delivery.AppendTime < stretch.EndTime ? delivery : null;
            }
            // In another generation, what had arrived was dropped and comes again.
            if (caughtUp == core.OnlyPartition.Generation)
                break;
            if (!await core.WaitAsync(cancellationToken))
                throw core.Ended();
        }
        _isDone = true;
        return null;
    }

    public ValueTask DisposeAsync() => core.DisposeAsync();
}
