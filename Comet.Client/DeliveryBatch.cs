using System.Collections;
using Comet.Client.Consuming;

namespace Comet.Client;

/// <summary>Deliveries that were taken together and can be acked or given back together.</summary>
/// <typeparam name="T">What is received.</typeparam>
public sealed class DeliveryBatch<T> : IReadOnlyList<Delivery<T>>
{
    private readonly List<Delivery<T>> _deliveries;

    internal DeliveryBatch(List<Delivery<T>> deliveries) => _deliveries = deliveries;

    /// <inheritdoc/>
    public int Count => _deliveries.Count;

    /// <inheritdoc/>
    public Delivery<T> this[int index] => _deliveries[index];

    /// <summary>Acknowledges all of them.</summary>
    /// <inheritdoc cref="Delivery{T}.AckAsync"/>
    public async ValueTask AckAsync(CancellationToken cancellationToken = default)
    {
        foreach (var (partition, first, last, era) in Runs())
            await partition.Core.AckAsync(partition, first, last, era, cumulative: false, cancellationToken);
    }

    /// <summary>Gives all of them back.</summary>
    /// <inheritdoc cref="Delivery{T}.NackAsync"/>
    public async ValueTask NackAsync(TimeSpan delay = default)
    {
        foreach (var (partition, first, last, era) in Runs())
            await partition.Core.NackAsync(partition, [first, last], delay, era);
    }

    /// <inheritdoc/>
    public IEnumerator<Delivery<T>> GetEnumerator() => _deliveries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Stretches of offsets without a gap.</summary>
    private IEnumerable<(PartitionConsumer Partition, long First, long Last, long Era)> Runs()
    {
        for (var i = 0; i < _deliveries.Count;)
        {
            var first = _deliveries[i];
            var last = first.Offset;
            for (i++; i < _deliveries.Count && _deliveries[i].Partition == first.Partition && _deliveries[i].Offset == last + 1
                && _deliveries[i].Era == first.Era; i++)
                last++;
            yield return (first.Partition, first.Offset, last, first.Era);
        }
    }
}
