using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Comet.Client.Consuming;

namespace Comet.Client;

/// <summary>A member of a subscription: a stream of deliveries. Made by
/// <see cref="CometClient.SubscribeAsync{T}(string, string, ConsumerOptions{T}, CancellationToken)"/>.</summary>
/// <typeparam name="T">What is received.</typeparam>
/// <remarks>
/// Thread-safe; several readers of the stream share it. The broker sends no more than the receive window
/// (<see cref="ConsumerOptions{T}.ReceiveWindowMessages"/>, <see cref="ConsumerOptions{T}.ReceiveWindowBytes"/>) lets it, so a slow loop
/// slows the broker and fills no memory. What is not acked is delivered again: after <see cref="Delivery{T}.NackAsync"/>, when the consumer
/// goes, and when the connection was lost, so a message may come twice. When the connection is lost the consumer attaches to the next node
/// by itself and the stream goes on.
/// </remarks>
public sealed class Consumer<T> : IAsyncDisposable
{
    private readonly ConsumerCore _core;
    private readonly SubscriptionAdministration _subscriptions;
    private readonly Action<object> _forget;

    internal Consumer(ConsumerCore core, SubscriptionAdministration subscriptions, Action<object> forget) =>
        (_core, _subscriptions, _forget) = (core, subscriptions, forget);

    /// <summary>The topic; of several, the first.</summary>
    public string Topic => _core.Settings.Topic;

    /// <summary>All topics that it receives from.</summary>
    public IReadOnlyList<string> Topics => _core.Topics;

    /// <summary>The subscription.</summary>
    public string Subscription => _core.Settings.Subscription;

    /// <summary>The consumer's name within the subscription.</summary>
    public string Name => _core.Settings.ConsumerName;

    /// <summary>How many partitions it receives from.</summary>
    public int PartitionCount => _core.PartitionCount;

    /// <summary>Whether it is attached, and why not.</summary>
    public StateMonitor<ConsumerState> State => _core.State;

    /// <summary>Whether messages come to this consumer: on a Failover subscription, whether it is the active one.</summary>
    public StateMonitor<ConsumerActivity> Activity => _core.Activity;

    /// <summary>Whether <see cref="Activity"/> is <see cref="ConsumerActivity.Active"/> now.</summary>
    public bool IsActive => Activity.Current == ConsumerActivity.Active;

    /// <summary>All deliveries, as they come; the program acks them. Ends when the consumer is disposed.</summary>
    /// <param name="cancellationToken">Ends the loop with <see cref="OperationCanceledException"/>; the consumer can be read again.</param>
    /// <exception cref="CometException">What the consumer was faulted with, after what had arrived before.</exception>
    public IAsyncEnumerable<Delivery<T>> ReadAllAsync(CancellationToken cancellationToken = default) =>
        DeliveryStream.ReadAllAsync<T>(_core, cancellationToken);

    /// <inheritdoc cref="ReadAllAsync(CancellationToken)"/>
    /// <param name="ackMode">Who acks.</param>
    /// <param name="cancellationToken">Ends the loop with <see cref="OperationCanceledException"/>; the consumer can be read again.</param>
    public IAsyncEnumerable<Delivery<T>> ReadAllAsync(AckMode ackMode, CancellationToken cancellationToken = default) =>
        ackMode == AckMode.Explicit ? ReadAllAsync(cancellationToken) : ReadAndAckAsync(cancellationToken);

    /// <summary>The deliveries as the reader of a channel; the program acks them. There is no buffer behind it but the receive window, so a
    /// reader that does not read holds the broker back. It completes when the consumer has ended and all is read, with the fault if there
    /// was one. Several readers, and the other ways to receive, share the deliveries.</summary>
    public ChannelReader<Delivery<T>> AsChannelReader() => new DeliveryChannelReader<T>(_core);

    /// <summary>The next delivery.</summary>
    /// <param name="cancellationToken">Ends the wait; nothing is lost.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.Closed"/>, or what the consumer was faulted with.</exception>
    public ValueTask<Delivery<T>> ReceiveAsync(CancellationToken cancellationToken = default) =>
        DeliveryStream.ReceiveAsync<T>(_core, cancellationToken);

    /// <summary>A delivery that has arrived already; false when there is none.</summary>
    public bool TryReceive([NotNullWhen(true)] out Delivery<T>? delivery) => (delivery = Delivery<T>.TryTake(_core)) is not null;

    /// <summary>Takes up to so many deliveries at once.</summary>
    /// <param name="maxMessages">When so many are there, it completes at once.</param>
    /// <param name="maxWait">After so long it completes with what is there, which may be nothing.</param>
    /// <param name="cancellationToken">Ends the wait; what was taken by then is given back to the broker.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.Closed"/>, or what the consumer was faulted with.</exception>
    public Task<DeliveryBatch<T>> ReceiveBatchAsync(int maxMessages, TimeSpan maxWait, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxMessages, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxWait, TimeSpan.Zero);
        return DeliveryStream.ReceiveBatchAsync<T>(_core, maxMessages, maxWait, cancellationToken);
    }

    /// <summary>All deliveries in batches, none of them empty; the program acks them. Ends when the consumer is disposed.</summary>
    /// <inheritdoc cref="ReceiveBatchAsync"/>
    public async IAsyncEnumerable<DeliveryBatch<T>> ReadBatchesAsync(
        int maxMessages, TimeSpan maxWait, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            DeliveryBatch<T> batch;
            try
            {
                // Without a maxWait this is where the loop waits, and where it hears that it is cancelled.
                if (!await _core.WaitAsync(cancellationToken))
                    yield break;
                batch = await ReceiveBatchAsync(maxMessages, maxWait, cancellationToken);
            }
            catch (CometException e) when (e.Code == ErrorCode.Closed)
            {
                yield break;
            }
            if (batch.Count > 0)
                yield return batch;
        }
    }

    /// <summary>Acknowledges a message by its id, wherever that was kept.</summary>
    /// <inheritdoc cref="Delivery{T}.AckAsync"/>
    public ValueTask AckAsync(MessageId id, CancellationToken cancellationToken = default) =>
        _core.AckAsync(_core.GetPartition(id), id.Offset, id.Offset, -1, cumulative: false, cancellationToken);

    /// <summary>Acknowledges a message and all before it in its partition.</summary>
    /// <inheritdoc cref="Delivery{T}.AckAsync"/>
    public ValueTask AckCumulativeAsync(MessageId id, CancellationToken cancellationToken = default) =>
        _core.Settings.Type is SubscriptionType.Shared or SubscriptionType.KeyShared
        ? ValueTask.FromException(new CometException(ErrorCode.Unsupported,
            $"A {_core.Settings.Type} subscription spreads messages over consumers; acking all before one would ack those of others."))
        : _core.AckAsync(_core.GetPartition(id), 0, id.Offset, -1, cumulative: true, cancellationToken);

    /// <summary>Completes when the broker has confirmed every ack so far.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.Timeout"/> after the client's OperationTimeout; the acks stay on their
    /// way.</exception>
    public Task FlushAcksAsync(CancellationToken cancellationToken = default) => _core.FlushAcksAsync(cancellationToken);

    /// <summary>Moves the subscription to another place in all partitions, for all its consumers: what lies behind that place is delivered,
    /// again or for the first time, and what lies before it counts as acked. When it completes, nothing that was delivered before comes out
    /// of this consumer's stream any more; acks of what was taken before do nothing.</summary>
    /// <param name="position">Where to. What is not kept any more cannot be delivered.</param>
    /// <param name="cancellationToken">Ends the wait; the subscription may be moved, in some partitions or all.</param>
    /// <exception cref="CometException">The consumer has ended, or the broker cannot be reached.</exception>
    public Task SeekAsync(StartPosition position, CancellationToken cancellationToken = default) =>
        _core.SeekAsync(position, cancellationToken);

    /// <summary>Ends the consumer and removes the subscription with its place in the topic: a new one of that name begins anew.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.SubscriptionInUse"/> while it has other consumers.</exception>
    public async Task UnsubscribeAsync(CancellationToken cancellationToken = default)
    {
        await DisposeAsync();
        foreach (var topic in Topics)
            await _subscriptions.DeleteAsync(topic, Subscription, cancellationToken);
    }

    /// <summary>Sends acks that wait, at most for the client's DisposeTimeout, and detaches; what is not acked goes to others. The stream
    /// ends. Never throws; doing it again does nothing.</summary>
    public ValueTask DisposeAsync()
    {
        _forget(this);
        return _core.DisposeAsync();
    }

    private async IAsyncEnumerable<Delivery<T>> ReadAndAckAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var delivery in ReadAllAsync(cancellationToken))
        {
            yield return delivery;
            await delivery.AckAsync(cancellationToken);
        }
    }
}
