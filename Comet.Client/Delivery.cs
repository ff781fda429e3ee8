using System.Diagnostics.CodeAnalysis;
using System.Text;
using Comet.Client.Consuming;

namespace Comet.Client;

/// <summary>A message in a consumer's hands, until it is acked or given back.</summary>
/// <typeparam name="T">What is received.</typeparam>
/// <remarks>Value, key and headers are decoded when they are asked for. They stay valid for as long as anybody refers to them; a delivery
/// keeps the batch it came in alive. Acking may be done from any thread. Acking or giving back the delivery of a <see cref="Reader{T}"/>
/// does nothing.</remarks>
public sealed class Delivery<T>
{
    private readonly ReceivedBatch _batch;
    private readonly int _position;
    private readonly int _offsetDelta;
    private bool _isDecoded;
    private T _value = default!;

    internal Delivery(ReceivedBatch batch, int position, int offsetDelta) =>
        (_batch, _position, _offsetDelta) = (batch, position, offsetDelta);

    private Delivery(ReceivedBatch batch, int position, int offsetDelta, T value)
        : this(batch, position, offsetDelta) => (_value, _isDecoded) = (value, true);

    /// <summary>The message's address.</summary>
    public MessageId Id => new(_batch.Partition.Topic, _batch.Partition.Number, Offset);

    /// <summary>The value.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.UndecodablePayload"/>: the payload is no such value; the message can still be
    /// acked or given back, and the stream goes on.</exception>
    public T Value
    {
        get
        {
            if (!_isDecoded)
                (_value, _isDecoded) = (Decode(), true);
            return _value;
        }
    }

    /// <summary>The payload as it was sent.</summary>
    public ReadOnlyMemory<byte> Payload => _batch.GetPayload(_position, _offsetDelta);

    /// <summary>The key; null when the message has none.</summary>
    public string? Key => _batch.Read(_position, _offsetDelta) is { HasKey: true } record ? Encoding.UTF8.GetString(record.Key) : null;

    /// <summary>The headers, decoded anew by each call; empty when there are none.</summary>
    public MessageHeaders Headers => _batch.ReadHeaders(_position, _offsetDelta);

    /// <summary>When the producer took the message, by its clock.</summary>
    public DateTimeOffset PublishTime => UnixMicroseconds.ToTime(_batch.Read(_position, _offsetDelta).Timestamp);

    /// <summary>When the broker stored the message, by its clock.</summary>
    public DateTimeOffset AppendTime => UnixMicroseconds.ToTime(_batch.Header.AppendTime);

    /// <summary>The time before which it was not to be delivered, as its producer gave it; null when it gave none.</summary>
    public DateTimeOffset? DeliverAt =>
        _batch.Read(_position, _offsetDelta).DeliverAt is not 0 and var due ? UnixMicroseconds.ToTime(due) : null;

    /// <summary>How often the message was delivered, this time included: 1 for the first. A delivery that this consumer or another one had
    /// received and not yet taken out of its stream counts too: a message that waited in the window of a consumer which went comes with
    /// 2, although no program has seen it.</summary>
    public int DeliveryCount => _batch.DeliveryCount;

    /// <summary>The generation of the partition's owner that delivered it. A broker that lost its memory has another one, and acks of what
    /// was delivered before are dropped.</summary>
    public long OwnershipEpoch => _batch.Epoch;

    /// <summary>Cancelled when the message is not this consumer's any more: its lease was over, another consumer has become the active one,
    /// or the connection was lost. It is delivered again then; an ack still counts, but somebody else may be at work on it. Costs nothing
    /// while nobody asks for it. Not cancelled by acking or giving back.</summary>
    public CancellationToken LeaseLost => Partition.Leases.TokenOf(_batch, _offsetDelta);

    /// <summary>Whether <see cref="LeaseLost"/> is cancelled, without the cost of a token. Where the consumer has no lease, a loss other
    /// than that of the connection is only noticed when the token was asked for before.</summary>
    public bool IsLeaseLost => Partition.Leases.IsLost(_batch, _offsetDelta);

    internal PartitionConsumer Partition => _batch.Partition;

    internal long Era => _batch.Era;

    internal int Generation => _batch.Generation;

    internal HeldDeliveries Held => new(Partition, [Offset, Offset], DeliveryCount, Generation);

    internal long Offset => _batch.Header.BaseOffset + _offsetDelta;

    /// <summary>Decodes the value without throwing.</summary>
    /// <param name="value">The value.</param>
    /// <returns>False when the payload is no such value.</returns>
    public bool TryGetValue([MaybeNullWhen(false)] out T value)
    {
        try
        {
            value = Value;
            return true;
        }
        catch (CometException)
        {
            value = default;
            return false;
        }
    }

    /// <summary>The same message with another value, so that a pipeline can map what it carries and still ack it: id, key, headers and
    /// lease are those of this delivery, and acking either is acking both.</summary>
    /// <param name="value">What <see cref="Value"/> of the result is; <see cref="Payload"/> stays as it was sent.</param>
    public Delivery<TResult> WithValue<TResult>(TResult value) => Delivery<TResult>.Create(_batch, _position, _offsetDelta, value);

    /// <summary>Acknowledges the message: it is not delivered again. Completes at once, unless the consumer confirms acks.</summary>
    /// <param name="cancellationToken">Ends the wait for the confirm; the ack stays on its way.</param>
    /// <exception cref="CometException">The consumer has ended, or the confirm did not come (<see cref="ErrorCode.Timeout"/>).</exception>
    public ValueTask AckAsync(CancellationToken cancellationToken = default)
    {
        Settle();
        return Partition.Core.AckAsync(Partition, Offset, Offset, Era, cumulative: false, cancellationToken);
    }

    /// <summary>Gives the message back: it is delivered again, with a higher <see cref="DeliveryCount"/>, or goes to the dead-letter topic
    /// when it was delivered as often as <see cref="ConsumerOptions{T}.MaxDeliveries"/> lets it be. Does nothing when the lease of this
    /// delivery is over: the message comes again by itself, and whoever has it then keeps it, this consumer included.</summary>
    /// <param name="delay">Not before this time is over, by the broker's clock; zero: at once. Null: as
    /// <see cref="ConsumerOptions{T}.RedeliveryBackoff"/> says.</param>
    /// <param name="reason">Why; it goes with the message to the dead-letter topic. At most 1,000 characters are kept.</param>
    /// <exception cref="CometException">The consumer has ended.</exception>
    public ValueTask NackAsync(TimeSpan? delay = null, string? reason = null)
    {
        Settle();
        return Partition.Core.NackAsync(Held, delay, reason);
    }

    /// <summary>Gives the message up: it goes to the dead-letter topic, however often it was delivered, and is acked when that topic has
    /// it. Does nothing when the lease of this delivery is over.</summary>
    /// <param name="reason">Why; it goes with the message. At most 1,000 characters are kept.</param>
    /// <exception cref="CometException">The consumer has ended.</exception>
    public ValueTask DeadLetterAsync(string? reason = null)
    {
        Settle();
        return Partition.Core.DeadLetterAsync(Held, reason);
    }

    /// <summary>Begins the lease anew. Where <see cref="ConsumerOptions{T}.MaxLeaseExtension"/> does so by itself there is no need. Does
    /// nothing when there is no lease, or when it is lost already.</summary>
    /// <exception cref="CometException">The consumer has ended.</exception>
    public ValueTask ExtendAsync() => Partition.Core.ExtendAsync(Held);

    /// <summary>The program is through with it: nothing more is extended.</summary>
    internal void Settle() => Partition.Leases.Settled(_batch, _offsetDelta);

    internal static Delivery<T> Create(ReceivedBatch batch, int position, int offsetDelta, T value) =>
        new(batch, position, offsetDelta, value);

    internal static Delivery<T>? TryTake(ConsumerCore core) =>
        core.TryTake(out var batch, out var position, out var offsetDelta) ? new Delivery<T>(batch, position, offsetDelta) : null;

    private T Decode()
    {
        try
        {
            return ((IMessageSerializer<T>)Partition.Core.Serializer).Deserialize(Payload);
        }
        catch (Exception e)
        {
            throw new CometException(ErrorCode.UndecodablePayload,
                $"The payload of {Id} ({Payload.Length} bytes) does not decode as {typeof(T).Name}: {e.Message}", e);
        }
    }
}
