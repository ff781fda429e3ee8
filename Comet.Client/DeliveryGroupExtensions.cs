using Comet.Client.Consuming;

namespace Comet.Client;

/// <summary>Acks and gives back many deliveries as one, wherever they were gathered: in a list, a buffer or a window.</summary>
public static class DeliveryGroupExtensions
{
    /// <summary>Acknowledges all of them: with ConfirmAcks in one wait, and otherwise in as few frames as single acks take.</summary>
    /// <param name="deliveries">Of any consumers and partitions, in any order. Taken through once.</param>
    /// <param name="cancellationToken">Ends the wait for the confirm; the acks stay on their way.</param>
    /// <exception cref="CometException">A consumer has ended, or the confirm did not come (<see cref="ErrorCode.Timeout"/>); the others are
    /// acked all the same.</exception>
    public static ValueTask AckAllAsync<T>(this IEnumerable<Delivery<T>> deliveries, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(deliveries);
        List<Task>? waiting = null;
        foreach (var (partition, era, _, ranges) in Gather(deliveries))
        {
            for (var i = 0; i < ranges.Length; i += 2)
            {
                var acking = partition.Core.AckAsync(partition, ranges[i], ranges[i + 1], era, cumulative: false, cancellationToken);
                if (!acking.IsCompletedSuccessfully)
                    (waiting ??= []).Add(acking.AsTask());
            }
        }
        return waiting is null ? ValueTask.CompletedTask : new(Task.WhenAll(waiting));
    }

    /// <summary>Gives all of them back, in one frame for each partition.</summary>
    /// <param name="deliveries">Of any consumers and partitions, in any order. Taken through once.</param>
    /// <param name="delay">Not before this time is over, by the broker's clock; zero: at once. Null: as
    /// <see cref="ConsumerOptions{T}.RedeliveryBackoff"/> says.</param>
    /// <param name="reason">Why; it goes with a message to the dead-letter topic.</param>
    /// <exception cref="CometException">A consumer has ended; the others' are given back all the same.</exception>
    public static ValueTask NackAllAsync<T>(
        this IEnumerable<Delivery<T>> deliveries, TimeSpan? delay = null, string? reason = null)
    {
        ArgumentNullException.ThrowIfNull(deliveries);
        List<Task>? waiting = null;
        foreach (var (partition, _, generation, ranges) in Gather(deliveries))
        {
            var nacking = partition.Core.NackAsync(partition, ranges, delay, reason, generation);
            if (!nacking.IsCompletedSuccessfully)
                (waiting ??= []).Add(nacking.AsTask());
        }
        return waiting is null ? ValueTask.CompletedTask : new(Task.WhenAll(waiting));
    }

    /// <summary>The offsets of each partition and attachment as ranges.</summary>
    private static IEnumerable<(PartitionConsumer Partition, long Era, int Generation, long[] Ranges)> Gather<T>(
        IEnumerable<Delivery<T>> deliveries)
    {
        var gathered = new Dictionary<(PartitionConsumer Partition, long Era, int Generation), AckBuffer>();
        foreach (var delivery in deliveries)
        {
            var home = (delivery.Partition, delivery.Era, delivery.Generation);
            if (!gathered.TryGetValue(home, out var offsets))
                gathered[home] = offsets = new AckBuffer();
            offsets.Add(delivery.Offset, delivery.Offset);
            delivery.Settle();
        }
        return gathered.Select(static g => (g.Key.Partition, g.Key.Era, g.Key.Generation, g.Value.Take()));
    }
}
