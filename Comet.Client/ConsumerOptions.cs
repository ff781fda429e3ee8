namespace Comet.Client;

/// <summary>How a consumer receives. Immutable; checked when the consumer is created.</summary>
/// <typeparam name="T">What is received.</typeparam>
public sealed record ConsumerOptions<T>
{
    /// <summary>10,000.</summary>
    public const int DefaultReceiveWindowMessages = 10_000;

    /// <summary>1,000: what one consumer has asked for, no other one gets.</summary>
    public const int DefaultSharedReceiveWindowMessages = 1_000;

    /// <summary>16 MiB.</summary>
    public const long DefaultReceiveWindowBytes = 16L * 1024 * 1024;

    /// <summary>How the consumers of the subscription share its messages. All of them must say the same. Default: Exclusive.</summary>
    public SubscriptionType Type { get; init; } = SubscriptionType.Exclusive;

    /// <summary>The consumer's name within its subscription. A consumer of the same name over another connection takes its place.
    /// Null: a random one.</summary>
    public string? ConsumerName { get; init; }

    /// <summary>Where the subscription begins when this consumer is its first ever. Default: Latest.</summary>
    public StartPosition StartPosition { get; init; } = StartPosition.Latest;

    /// <summary>How payloads become values. Null: UTF-8 for strings, the bytes themselves for bytes; other types need one.</summary>
    public IMessageSerializer<T>? Serializer { get; init; }

    /// <summary>How many messages may be on the client that were not taken out of the stream; spread over the partitions, at least one
    /// for each. They count as delivered: on Shared and KeyShared no other consumer gets them, so where messages take long, make the window
    /// small. Null: <see cref="DefaultReceiveWindowMessages"/>, and <see cref="DefaultSharedReceiveWindowMessages"/> on Shared and
    /// KeyShared.</summary>
    public int? ReceiveWindowMessages { get; init; }

    /// <summary>How many bytes may be on the client that were not taken out of the stream; may be overdrawn by one batch. Default: 16
    /// MiB.</summary>
    public long ReceiveWindowBytes { get; init; } = DefaultReceiveWindowBytes;

    /// <summary>Whether acking completes only when the broker has confirmed the ack. Default: false: acks are gathered, sent within
    /// <see cref="AckLinger"/>, and sent again after a reconnect until they are confirmed.</summary>
    public bool ConfirmAcks { get; init; }

    /// <summary>How long an ack waits for others to share its frame. Default: 5 ms.</summary>
    public TimeSpan AckLinger { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>How many acks are gathered before they are sent without waiting. Default: 1,000.</summary>
    public int MaxGatheredAcks { get; init; } = 1_000;

    /// <summary>On Shared, consumers of a lower number get messages first while they can take them; on Failover, the lowest is the active
    /// one. Default: 0.</summary>
    public int PriorityLevel { get; init; }

    /// <summary>Whether the subscription goes with its last consumer, and keeps nothing on the broker while nobody is attached. Default:
    /// false: it is durable.</summary>
    public bool IsEphemeral { get; init; }

    /// <summary>How long a delivery is this consumer's. When it is over and the message neither acked nor given back, it is delivered
    /// again, <see cref="Delivery{T}.LeaseLost"/> is cancelled, and an ack that comes later still counts. The consumer that attaches last
    /// says so for the whole subscription, as for the other options of redelivery. At least 100 ms. Null: 30 s on KeyShared; on the other
    /// types for as long as the consumer is attached.</summary>
    public TimeSpan? LeaseDuration { get; init; }

    /// <summary>For how long after its arrival the lease of a delivery is extended by itself, while the consumer is attached and the
    /// message neither acked nor given back. Zero: not at all. Default: 5 min.</summary>
    public TimeSpan MaxLeaseExtension { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a message waits that was given back without a delay, or whose lease was over. Default: not at all.</summary>
    public RedeliveryBackoff RedeliveryBackoff { get; init; } = RedeliveryBackoff.None;

    /// <summary>A message that was delivered so often and comes back, for whatever reason, goes to the dead-letter topic. Default: 0, that
    /// is never.</summary>
    public int MaxDeliveries { get; init; }

    /// <summary>The topic that dead letters go to. Null: the subscription's own, <c>topic/subscription/dead-letters</c>.</summary>
    public string? DeadLetterTopic { get; init; }

    internal int WindowMessages => ReceiveWindowMessages ?? (Type is SubscriptionType.Shared or SubscriptionType.KeyShared
        ? DefaultSharedReceiveWindowMessages
        : DefaultReceiveWindowMessages);

    internal ConsumerOptions<T> Validated()
    {
        if (ConsumerName is not null)
            Names.Require(ConsumerName, "consumer");
        OptionChecks.InRange(nameof(ReceiveWindowMessages), WindowMessages, 1, 10_000_000);
        OptionChecks.InRange(nameof(ReceiveWindowBytes), ReceiveWindowBytes, 1024, 1L << 32);
        OptionChecks.InRange(nameof(MaxGatheredAcks), MaxGatheredAcks, 1, 100_000);
        OptionChecks.Positive(nameof(AckLinger), AckLinger);
        OptionChecks.InRange(nameof(MaxDeliveries), MaxDeliveries, 0, 1_000_000);
        if (LeaseDuration is { } lease && (lease < TimeSpan.FromMilliseconds(100) || lease > TimeSpan.FromDays(24)))
            throw new ArgumentException($"{nameof(LeaseDuration)} is {lease}; it must be from 100 ms to 24 days.", nameof(LeaseDuration));
        if (MaxLeaseExtension < TimeSpan.Zero)
            throw new ArgumentException($"{nameof(MaxLeaseExtension)} is {MaxLeaseExtension}; it cannot be negative.",
                nameof(MaxLeaseExtension));
        RedeliveryBackoff.Validate();
        if (DeadLetterTopic is not null)
            Names.Require(DeadLetterTopic, "dead-letter topic");
        return this;
    }
}

/// <summary>How a reader reads. Immutable; checked when the reader is created.</summary>
/// <typeparam name="T">What is read.</typeparam>
public sealed record ReaderOptions<T>
{
    /// <summary>Where to begin. Default: Earliest.</summary>
    public StartPosition StartPosition { get; init; } = StartPosition.Earliest;

    /// <summary>How payloads become values. Null: UTF-8 for strings, the bytes themselves for bytes; other types need one.</summary>
    public IMessageSerializer<T>? Serializer { get; init; }

    /// <summary>How many messages may be on the client that were not taken out of the stream; spread over the partitions, at least one
    /// for each. Default: 10,000.</summary>
    public int ReceiveWindowMessages { get; init; } = ConsumerOptions<T>.DefaultReceiveWindowMessages;

    /// <inheritdoc cref="ConsumerOptions{T}.ReceiveWindowBytes"/>
    public long ReceiveWindowBytes { get; init; } = ConsumerOptions<T>.DefaultReceiveWindowBytes;
}

/// <summary>Who acknowledges what a stream hands out.</summary>
public enum AckMode
{
    /// <summary>The program, by <see cref="Delivery{T}.AckAsync"/> and its like.</summary>
    Explicit,

    /// <summary>The stream: a delivery is acked when the next one is asked for. A loop that throws or breaks leaves its last delivery
    /// unacked, so that it comes again.</summary>
    WhenNextIsAsked,
}
