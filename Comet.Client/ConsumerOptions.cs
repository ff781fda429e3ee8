namespace Comet.Client;

/// <summary>How a consumer receives. Immutable; checked when the consumer is created.</summary>
/// <typeparam name="T">What is received.</typeparam>
public sealed record ConsumerOptions<T>
{
    /// <summary>10,000.</summary>
    public const int DefaultReceiveWindowMessages = 10_000;

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
    /// for each. Default: 10,000.</summary>
    public int ReceiveWindowMessages { get; init; } = DefaultReceiveWindowMessages;

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

    /// <summary>Consumers of a lower number are served first, where the subscription's type knows priorities. Default: 0.</summary>
    public int PriorityLevel { get; init; }

    internal ConsumerOptions<T> Validated()
    {
        if (ConsumerName is not null)
            Names.Require(ConsumerName, "consumer");
        OptionChecks.InRange(nameof(ReceiveWindowMessages), ReceiveWindowMessages, 1, 10_000_000);
        OptionChecks.InRange(nameof(ReceiveWindowBytes), ReceiveWindowBytes, 1024, 1L << 32);
        OptionChecks.InRange(nameof(MaxGatheredAcks), MaxGatheredAcks, 1, 100_000);
        OptionChecks.Positive(nameof(AckLinger), AckLinger);
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

    /// <inheritdoc cref="ConsumerOptions{T}.ReceiveWindowMessages"/>
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
