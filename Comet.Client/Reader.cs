using System.Diagnostics.CodeAnalysis;
using Comet.Client.Consuming;

namespace Comet.Client;

/// <summary>Reads a topic from a place of its choice, without a subscription: nothing is acked and nothing of it stays on the broker. Made
/// by
/// <see cref="CometClient.CreateReaderAsync{T}(string, ReaderOptions{T}, CancellationToken)"/>.</summary>
/// <typeparam name="T">What is read.</typeparam>
/// <remarks>Thread-safe. Each message comes once and, within a partition, in order. When the connection is lost the reader attaches to the
/// next node by itself and goes on behind the last message that was taken. It does not keep messages on the broker: what retention drops
/// meanwhile is skipped.</remarks>
public sealed class Reader<T> : IAsyncDisposable
{
    private readonly ConsumerCore _core;
    private readonly Action<object> _forget;

    internal Reader(ConsumerCore core, Action<object> forget) => (_core, _forget) = (core, forget);

    /// <summary>The topic.</summary>
    public string Topic => _core.Settings.Topic;

    /// <summary>How many partitions it reads.</summary>
    public int PartitionCount => _core.PartitionCount;

    /// <summary>Whether it is attached, and why not.</summary>
    public StateMonitor<ConsumerState> State => _core.State;

    /// <summary>All messages from the start position on, and new ones as they come. Ends when the reader is disposed.</summary>
    /// <inheritdoc cref="Consumer{T}.ReadAllAsync(CancellationToken)"/>
    public IAsyncEnumerable<Delivery<T>> ReadAllAsync(CancellationToken cancellationToken = default) =>
        DeliveryStream.ReadAllAsync<T>(_core, cancellationToken);

    /// <inheritdoc cref="Consumer{T}.ReceiveAsync"/>
    public ValueTask<Delivery<T>> ReceiveAsync(CancellationToken cancellationToken = default) =>
        DeliveryStream.ReceiveAsync<T>(_core, cancellationToken);

    /// <inheritdoc cref="Consumer{T}.TryReceive"/>
    public bool TryReceive([NotNullWhen(true)] out Delivery<T>? delivery) => (delivery = Delivery<T>.TryTake(_core)) is not null;

    /// <summary>Detaches, at most for the client's DisposeTimeout. The stream ends. Never throws; doing it again does nothing.</summary>
    public ValueTask DisposeAsync()
    {
        _forget(this);
        return _core.DisposeAsync();
    }
}
