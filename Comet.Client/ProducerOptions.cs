namespace Comet.Client;

/// <summary>How a producer sends. Immutable; checked when the producer is created.</summary>
/// <typeparam name="T">What is sent.</typeparam>
public sealed record ProducerOptions<T>
{
    /// <summary>100,000.</summary>
    public const int DefaultMaxPendingMessages = 100_000;

    /// <summary>The name that deduplication goes by: give a producer that must not send twice over restarts a name of its own. A second
    /// producer of the same name fences the first. Null: a random one.</summary>
    public string? ProducerName { get; init; }

    /// <summary>Who else may produce to the topic. Default: Shared, that is anybody.</summary>
    public ProducerAccessMode AccessMode { get; init; }

    /// <summary>How values become payloads. Null: UTF-8 for strings, the bytes themselves for bytes; other types need one.</summary>
    public IMessageSerializer<T>? Serializer { get; init; }

    /// <summary>The partition of a message, from 0 to the count (the second argument) less 1. Null: by the hash of the key, and without
    /// a key in turn, one batch to each partition.</summary>
    public Func<OutgoingMessage<T>, int, int>? Router { get; init; }

    /// <summary>What a confirm has to promise. None: the best that the broker gives without being asked. Default: None.</summary>
    public Durability Durability { get; init; }

    /// <summary>How batches are compressed. Default: not at all.</summary>
    public CompressionType Compression { get; init; }

    /// <summary>A batch is closed when it has so many bytes. Default: 64 KiB; at most 128 KiB.</summary>
    public int MaxBatchBytes { get; init; } = 64 * 1024;

    /// <summary>A batch is closed when it has so many messages. Default: 4,096.</summary>
    public int MaxBatchMessages { get; init; } = 4_096;

    /// <summary>How long a message waits for others to share its batch while fewer than eight batches of its partition are on their way.
    /// While eight are, messages gather until one is confirmed. Default: zero, which is best for latency and rarely worse for
    /// throughput.</summary>
    public TimeSpan Linger { get; init; }

    /// <summary>How many messages may wait for their confirm; then sending waits. Default: 100,000.</summary>
    public int MaxPendingMessages { get; init; } = DefaultMaxPendingMessages;

    /// <summary>How many bytes may wait for their confirm; then sending waits. Default: 64 MiB.</summary>
    public long MaxPendingBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>How long a confirm is waited for, reconnects included. Afterwards SendAsync throws <see cref="ErrorCode.Timeout"/>; the
    /// message stays on its way and may still be stored. Default: 30 s.</summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(30);

    internal ProducerOptions<T> Validated()
    {
        if (ProducerName is not null)
            Names.Require(ProducerName, "producer");
        OptionChecks.InRange(nameof(MaxBatchBytes), MaxBatchBytes, 256, 128 * 1024);
        OptionChecks.InRange(nameof(MaxBatchMessages), MaxBatchMessages, 1, 65_536);
        OptionChecks.InRange(nameof(MaxPendingMessages), MaxPendingMessages, 1, 10_000_000);
        OptionChecks.InRange(nameof(MaxPendingBytes), MaxPendingBytes, 1024, 1L << 32);
        OptionChecks.Positive(nameof(SendTimeout), SendTimeout);
        if (Linger < TimeSpan.Zero || Linger > TimeSpan.FromMinutes(1))
            throw new ArgumentException($"{nameof(Linger)} is {Linger}; it must be from zero to one minute.", nameof(Linger));
        return this;
    }
}

/// <summary>A message to send, with what may stand beside its value.</summary>
/// <param name="Value">The value; the producer's serializer turns it into the payload.</param>
/// <typeparam name="T">What is sent.</typeparam>
public readonly record struct OutgoingMessage<T>(T Value)
{
    /// <summary>The key: messages of one key go to one partition, in order. Null: none.</summary>
    public string? Key { get; init; }

    /// <summary>Headers. Null: none. Leave them alone until the call that takes the message returns.</summary>
    public MessageHeaders? Headers { get; init; }

    /// <summary>When the message came into being. Null: now, by the client's clock.</summary>
    public DateTimeOffset? PublishTime { get; init; }
}
