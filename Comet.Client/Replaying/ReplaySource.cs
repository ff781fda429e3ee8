using Comet.Client.Consuming;

namespace Comet.Client.Replaying;

/// <summary>The messages of one partition up to the end of its stretch, in its order. What waits for its time is left out.</summary>
internal sealed class ReplaySource<T>(ConsumerCore core, ReplayStretch stretch) : IAsyncDisposable
{
    private readonly PartitionConsumer _partition = core.OnlyPartition;
    private long _nextOffset = core.OnlyPartition.NextOffset;
    private int _askedIn = -1;

    public int Partition => stretch.Partition;

    /// <summary>The next message; null at the end.</summary>
    public async ValueTask<Delivery<T>?> NextAsync(CancellationToken cancellationToken)
    {
        while (_nextOffset < stretch.EndOffset)
        {
            // Asked before what has arrived is looked at: whatever comes behind such a report lies behind the end. The last messages of the
            // stretch may wait for their time, or be dropped by now, so that none of them will come.
            var caughtUp = _partition.CaughtUpGeneration;
            if (Delivery<T>.TryTake(core) is { } delivery)
            {
                _askedIn = -1;
                // What has become due meanwhile comes out of its turn.
                if (delivery.Offset < _nextOffset)
                    continue;
                _nextOffset = delivery.AppendTime < stretch.EndTime ? delivery.Offset + 1 : long.MaxValue;
                return delivery.Offset < stretch.EndOffset && delivery.AppendTime < stretch.EndTime ? delivery : null;
            }
            var generation = _partition.Generation;
            // In another generation, what had arrived was dropped and comes again.
            if (caughtUp == generation)
                break;
            if (_askedIn != generation)
            {
                _askedIn = generation;
                _partition.AskForProgress();
            }
            if (!await core.WaitAsync(cancellationToken))
                throw core.Ended();
        }
        _nextOffset = long.MaxValue;
        return null;
    }

    public ValueTask DisposeAsync() => core.DisposeAsync();
}
