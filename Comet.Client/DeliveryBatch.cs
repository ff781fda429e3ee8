using System.Collections;

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
    public ValueTask AckAsync(CancellationToken cancellationToken = default) => _deliveries.AckAllAsync(cancellationToken);

    /// <summary>Gives all of them back.</summary>
    /// <inheritdoc cref="Delivery{T}.NackAsync"/>
    public ValueTask NackAsync(TimeSpan delay = default) => _deliveries.NackAllAsync(delay);

    /// <inheritdoc/>
    public IEnumerator<Delivery<T>> GetEnumerator() => _deliveries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
