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
        foreach (var ((partition, ranges, _, _), era) in Gather(deliveries))
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

    /// <summary>Gives all of them back, in one frame for those of a partition that were delivered equally often.</summary>
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
        foreach (var (held, _) in Gather(deliveries))
        {
            var nacking = held.Partition.Core.NackAsync(held, delay, reason);
            if (!nacking.IsCompletedSuccessfully)
                (waiting ??= []).Add(nacking.AsTask());
        }
        return waiting is null ? ValueTask.CompletedTask : new(Task.WhenAll(waiting));
    }

    /// <summary>The offsets of each partition, attachment and delivery count as ranges.</summary>
    private static IEnumerable<(HeldDeliveries Held, long Era)> Gather<T>(IEnumerable<Delivery<T>> deliveries)
    {
        var gathered = new Dictionary<(PartitionConsumer Partition, long Era, int Generation, int Count), AckBuffer>();
        foreach (var delivery in deliveries)
        {
            var home = (delivery.Partition, delivery.Era, delivery.Generation, delivery.DeliveryCount);
            if (!gathered.TryGetValue(home, out var offsets))
                gathered[home] = offsets = new AckBuffer();
            offsets.Add(delivery.Offset, delivery.Offset);
            delivery.Settle();
        }
        return gathered.Select(static g =>
            (new HeldDeliveries(g.Key.Partition, g.Value.Take(), g.Key.Count, g.Key.Generation), g.Key.Era));
    }
}
