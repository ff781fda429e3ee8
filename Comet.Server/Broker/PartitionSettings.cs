using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>The limits of a partition.</summary>
internal sealed record PartitionSettings
{
    /// <summary>How many producer names are remembered for deduplication, attached ones apart.</summary>
    public int MaxRememberedProducers { get; init; } = 1_000;

    /// <summary>How long the name of a producer that is gone is remembered, in microseconds.</summary>
    public long ProducerMemoryTtl { get; init; } = 24L * 3600 * 1_000_000;

    /// <summary>How many messages of one subscription may be delivered and not acked, over all its consumers.</summary>
    public long MaxOutstandingMessages { get; init; } = 200_000;

    /// <summary>The most that the records of one batch may restore to.</summary>
    public int MaxRecordsLength { get; init; } = 64 * 1024 * 1024;

    /// <summary>The topic's policy when the partition is opened.</summary>
    public TopicPolicy Policy { get; init; } = TopicPolicy.Default;

    /// <summary>The room for messages that wait for their time, which all partitions of a broker share.</summary>
    public ScheduleBudget ScheduleBudget { get; init; } = new(CometServerOptions.DefaultMaxScheduledMessages);

    /// <summary>Where dead letters go; null where there are none.</summary>
    public IDeadLetterPort? DeadLetters { get; init; }

    /// <summary>What is kept beside the log; null where nothing outlives the process.</summary>
    public IPartitionStore? Store { get; init; }

    /// <summary>How much may be appended to the log before a point to recover from is saved.</summary>
    public long MaxBytesBehindPoint { get; init; } = 16 * 1024 * 1024;

    /// <summary>How many messages that wait are kept in memory before they are given away, where that is possible.</summary>
    public int MaxDelaysInMemory { get; init; } = DelaySpill.DefaultLimit;

    /// <summary>A fault to make on purpose, for tests of the tests.</summary>
    public PlantedBug PlantedBug { get; init; }

    /// <summary>Called when this partition needs memory that others could give.</summary>
    public Action? RoomWanted { get; init; }

    /// <summary>Called when something that could be delivered was found waiting; it is delivered behind the call.</summary>
    public Action<Stall>? StallFound { get; init; }
}
