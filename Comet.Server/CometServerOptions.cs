using Comet.Wire;

namespace Comet.Server;

/// <summary>How a broker behaves and what it takes from its clients. Immutable; checked when the broker is created.</summary>
public sealed record CometServerOptions
{
    /// <summary>256 MiB.</summary>
    public const long DefaultMemoryLimit = 256L * 1024 * 1024;

    /// <summary>16 MiB.</summary>
    public const int DefaultMaxUnsentBytes = 16 * 1024 * 1024;

    // A record of a journal holds 64 MiB: a message, and what a batch has beside it.
    private const int MaxLocalMessageLength = 63 * 1024 * 1024;

    /// <summary>2,000,000.</summary>
    public const long DefaultMaxScheduledMessages = 2_000_000;

    /// <summary>The name of this node, in Welcome and in logs. Default: "comet".</summary>
    public string NodeId { get; init; } = "comet";

    /// <summary>Whether a topic is created when it is first produced to or subscribed to. Default: true.</summary>
    public bool CreateTopicsOnFirstUse { get; init; } = true;

    /// <summary>How many partitions a topic has that is created on first use. Default: 1.</summary>
    public int DefaultPartitionCount { get; init; } = 1;

    /// <summary>The most partitions a topic may have. Default: 1,024.</summary>
    public int MaxPartitions { get; init; } = 1024;

    /// <summary>The most topics. Default: 100,000.</summary>
    public int MaxTopics { get; init; } = 100_000;

    /// <summary>The longest message, in bytes with its key and headers. Default: 1 MiB; at most 64 MiB.</summary>
    public int MaxMessageLength { get; init; } = FrameLimits.DefaultMaxMessageLength;

    /// <summary>Where topics, messages and subscriptions are kept, so that they outlive the process. Default: null, in memory
    /// alone.</summary>
    public LocalStorageOptions? LocalStorage { get; init; }

    /// <summary>The memory for messages of all topics together, in bytes. When it is full, messages that every durable subscription has
    /// acked are dropped, oldest first; when there are none, producers are refused with <see cref="ErrorCode.StorageFull"/>. With
    /// <see cref="LocalStorage"/> it holds what was stored last, and nothing is refused for it. Default: 256 MiB.</summary>
    public long MemoryLimit { get; init; } = DefaultMemoryLimit;

    /// <summary>The memory for messages of one partition, in bytes. Default: no limit but <see cref="MemoryLimit"/>.</summary>
    public long PartitionMemoryLimit { get; init; } = long.MaxValue;

    /// <summary>The most connections. Default: 10,000.</summary>
    public int MaxConnections { get; init; } = 10_000;

    /// <summary>The most producers of one connection, counted for each partition. Default: 10,000.</summary>
    public int MaxProducersPerConnection { get; init; } = 10_000;

    /// <summary>The most consumers and readers of one connection, counted for each partition. Default: 10,000.</summary>
    public int MaxConsumersPerConnection { get; init; } = 10_000;

    /// <summary>When so many bytes wait to be sent to a connection, it gets no more deliveries until it reads; when it is as much again,
    /// for answers, or one message of the greatest length, no request of it is read either. Default: 16 MiB.</summary>
    public int MaxUnsentBytes { get; init; } = DefaultMaxUnsentBytes;

    /// <summary>When so many published bytes of a connection are not answered, no more is read from it. Default: 16 MiB.</summary>
    public int MaxInFlightPublishBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>How many messages of a subscription may be delivered and not acked. Default: 200,000.</summary>
    public int MaxOutstandingMessages { get; init; } = 200_000;

    /// <summary>How many producer names each partition remembers for deduplication when they are gone. Default: 1,000.</summary>
    public int MaxRememberedProducers { get; init; } = 1_000;

    /// <summary>How long the name of a producer that is gone is remembered for deduplication: a producer that comes back within that time
    /// goes on where it stood. Default: 24 hours.</summary>
    public TimeSpan ProducerMemoryTtl { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How many messages may wait for their time over all topics; then a batch with such messages is refused with
    /// <see cref="ErrorCode.ScheduleLimitReached"/>. Each takes about 40 bytes beside the message itself; with
    /// <see cref="LocalStorage"/> hardly any. Default: 2,000,000.</summary>
    public long MaxScheduledMessages { get; init; } = DefaultMaxScheduledMessages;

    /// <summary>A side that has sent nothing for so long sends a sign of life; a connection without one for three times as long is
    /// ended. Default: 10 s.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A connection that has not finished its handshake after so long is ended. Default: 5 s.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a stop waits for clients to take their answers and go. Default: 5 s.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Header codecs of your own, beside MessagePack and JSON.</summary>
    public IReadOnlyList<HeaderCodec> HeaderCodecs { get; init; } = [];

    /// <summary>A fault to make on purpose, for tests of the tests.</summary>
    internal PlantedBug PlantedBug { get; init; }

    /// <summary>Checks all values.</summary>
    /// <exception cref="ArgumentException">One is out of its range; the message names it, its value and the range.</exception>
    internal CometServerOptions Validated()
    {
        if (!Names.IsValid(NodeId))
        {
            throw new ArgumentException($"{nameof(NodeId)} is '{NodeId}'; it must follow the rules for names: 1 to {Names.MaxLength} "
                + "characters of A-Z a-z 0-9 . _ - in segments joined by '/'.", nameof(NodeId));
        }
        Require(nameof(MaxPartitions), MaxPartitions, 1, 65_536);
        Require(nameof(DefaultPartitionCount), DefaultPartitionCount, 1, MaxPartitions);
        Require(nameof(MaxTopics), MaxTopics, 1, 10_000_000);
        Require(nameof(MaxMessageLength), MaxMessageLength, 1, FrameLimits.HardMaxMessageLength);
        Require(nameof(MemoryLimit), MemoryLimit, 64 * 1024, long.MaxValue);
        if (LocalStorage?.Validated() is not null)
            Require($"{nameof(MaxMessageLength)}, with {nameof(LocalStorage)},", MaxMessageLength, 1, MaxLocalMessageLength);
        Require(nameof(PartitionMemoryLimit), PartitionMemoryLimit, 64 * 1024, long.MaxValue);
        Require(nameof(MaxConnections), MaxConnections, 1, 1_000_000);
        Require(nameof(MaxProducersPerConnection), MaxProducersPerConnection, 1, 1_000_000);
        Require(nameof(MaxConsumersPerConnection), MaxConsumersPerConnection, 1, 1_000_000);
        Require(nameof(MaxUnsentBytes), MaxUnsentBytes, 64 * 1024, 1 << 30);
        Require(nameof(MaxInFlightPublishBytes), MaxInFlightPublishBytes, 64 * 1024, 1 << 30);
        Require(nameof(MaxOutstandingMessages), MaxOutstandingMessages, 1, 100_000_000);
        Require(nameof(MaxRememberedProducers), MaxRememberedProducers, 1, 10_000_000);
        Require(nameof(ProducerMemoryTtl), ProducerMemoryTtl.TotalSeconds, 1, 366 * 24 * 3600, " s");
        Require(nameof(MaxScheduledMessages), MaxScheduledMessages, 0, 1_000_000_000);
        Require(nameof(HeartbeatInterval), HeartbeatInterval.TotalMilliseconds, 50, 3_600_000, " ms");
        Require(nameof(HandshakeTimeout), HandshakeTimeout.TotalMilliseconds, 50, 3_600_000, " ms");
        Require(nameof(DrainTimeout), DrainTimeout.TotalMilliseconds, 0, 3_600_000, " ms");
        return this;
    }

    private static void Require(string name, double value, double least, double most, string unit = "")
    {
        if (value < least || value > most)
            throw new ArgumentException($"{name} is {value:0}{unit}; it must be from {least:0}{unit} to {most:0}{unit}.", name);
    }
}
