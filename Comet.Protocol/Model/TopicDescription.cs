namespace Comet;

/// <summary>A topic in a listing.</summary>
/// <param name="Name">Its name.</param>
/// <param name="PartitionCount">How many partitions it has.</param>
public sealed record TopicSummary(string Name, int PartitionCount)
{
    /// <summary>How many messages are kept, over all partitions. Null: the broker does not say, because nobody has used a partition since
    /// it was started and a listing opens no files; a description of the topic does.</summary>
    public long? Messages { get; init; }

    /// <summary>The size of what is kept, in bytes and over all partitions; null as for <see cref="Messages"/>.</summary>
    public long? Bytes { get; init; }
}

/// <summary>What the broker knows about a topic at one moment.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Partitions">One entry for each partition, in order.</param>
/// <param name="Subscriptions">One entry for each durable subscription and partition.</param>
public sealed record TopicDescription(
    string Name,
    IReadOnlyList<PartitionDescription> Partitions,
    IReadOnlyList<SubscriptionDescription> Subscriptions)
{
    /// <summary>What the topic keeps, and for how long.</summary>
    public TopicPolicy Policy { get; init; } = TopicPolicy.Default;
}

/// <summary>What the broker knows about one partition.</summary>
/// <param name="Partition">Its number, from 0.</param>
/// <param name="StartOffset">The first offset that is kept.</param>
/// <param name="EndOffset">The offset that the next message gets.</param>
/// <param name="Bytes">The size of what is kept.</param>
/// <param name="Producers">How many producers are attached.</param>
public sealed record PartitionDescription(int Partition, long StartOffset, long EndOffset, long Bytes, int Producers)
{
    /// <summary>When the first message that is kept was appended, by the broker's clock; null when none is.</summary>
    public DateTimeOffset? FirstAppendTime { get; init; }

    /// <summary>When the last message that is kept was appended, by the broker's clock; null when none is.</summary>
    public DateTimeOffset? LastAppendTime { get; init; }
}

/// <summary>What the broker knows about a subscription in one partition.</summary>
/// <param name="Name">The subscription's name.</param>
/// <param name="Partition">The partition.</param>
/// <param name="Type">How its consumers share the messages.</param>
/// <param name="AckedUpTo">Every message below this offset is acked.</param>
/// <param name="Backlog">How many messages are not acked yet.</param>
/// <param name="Unacked">How many of them are with a consumer.</param>
/// <param name="Consumers">How many consumers are attached.</param>
/// <param name="Permits">How many messages the consumers still let the broker send.</param>
public sealed record SubscriptionDescription(
    string Name, int Partition, SubscriptionType Type, long AckedUpTo, long Backlog, long Unacked, int Consumers, long Permits)
{
    /// <summary>How many messages are on their way to the dead-letter topic.</summary>
    public long DeadLettering { get; init; }

    /// <summary>Why the dead-letter topic does not take them at the moment; null when it does.</summary>
    public string? DeadLetterError { get; init; }

    /// <summary>The first message that is not acked; null when all are.</summary>
    public long? OldestUnackedOffset { get; init; }

    /// <summary>When the first message that is not acked was appended, by the broker's clock; null when all are acked.</summary>
    public DateTimeOffset? OldestUnackedTime { get; init; }

    /// <summary>How many bytes, as they are stored, the messages take that are not acked. Where acked ones lie between them, an
    /// estimate by their share.</summary>
    public long BacklogBytes { get; init; }

    /// <summary>How many messages the topic's <see cref="TopicPolicy.MessageTtl"/> has acked on the subscription's behalf since the
    /// broker started.</summary>
    public long Expired { get; init; }

    /// <summary>How many messages <see cref="BacklogAction.DropOldest"/> has acked on the subscription's behalf since the broker
    /// started.</summary>
    public long Dropped { get; init; }
}
