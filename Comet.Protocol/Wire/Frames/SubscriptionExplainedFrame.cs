namespace Comet.Wire;

/// <summary>Why a subscription gets what it gets.</summary>
/// <remarks>Header: <c>topic | subscription | type | partitions: list of (partition | backlog | oldest | oldest_age_us | next | reason |
/// holder | until_us | detail | consumers: list of (name | active | reading | permits | permit_bytes | unacked |
/// last_dispatched))</c>. What is not there is -1.</remarks>
internal readonly record struct SubscriptionExplainedFrame(SubscriptionExplanation Explanation) : IFrame<SubscriptionExplainedFrame>
{
    private const long None = -1;

    public static FrameType Type => FrameType.SubscriptionExplained;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(4);
        writer.WriteString("topic", Explanation.Topic);
        writer.WriteString("subscription", Explanation.Subscription);
        writer.WriteInteger("type", (long)Explanation.Type);
        writer.BeginList("partitions", Explanation.Partitions.Count);
        foreach (var partition in Explanation.Partitions)
            Write(ref writer, partition);
        writer.EndList();
        writer.EndRecord();
    }

    public static SubscriptionExplainedFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var topic = HeaderFields.ReadRequiredString(ref reader, "topic");
        var subscription = HeaderFields.ReadRequiredString(ref reader, "subscription");
        var type = HeaderFields.ReadEnum<SubscriptionType, TReader>(ref reader, "type");
        var partitions = new List<PartitionExplanation>();
        var count = reader.BeginList("partitions");
        for (var i = 0; i < count; i++)
            partitions.Add(ReadPartition(ref reader));
        reader.EndList();
        reader.EndRecord();
        return new(new SubscriptionExplanation(topic, subscription, type, partitions));
    }

    private static void Write<TWriter>(ref TWriter writer, PartitionExplanation partition)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(10);
        writer.WriteInteger("partition", partition.Partition);
        writer.WriteInteger("backlog", partition.Backlog);
        writer.WriteInteger("oldest", partition.OldestUnackedOffset ?? None);
        writer.WriteInteger("oldest_age_us", partition.OldestUnackedAge is { } age ? (long)age.TotalMicroseconds : None);
        writer.WriteInteger("next", partition.NextOffset ?? None);
        writer.WriteInteger("reason", (long)partition.Reason);
        writer.WriteString("holder", partition.Holder);
        writer.WriteInteger("until_us", partition.Until is { } until ? UnixMicroseconds.From(until) : None);
        writer.WriteString("detail", partition.Detail);
        writer.BeginList("consumers", partition.Consumers.Count);
        foreach (var consumer in partition.Consumers)
        {
            writer.BeginRecord(7);
            writer.WriteString("name", consumer.Name);
            writer.WriteBoolean("active", consumer.IsActive);
            writer.WriteBoolean("reading", consumer.IsReading);
            writer.WriteInteger("permits", consumer.Permits);
            writer.WriteInteger("permit_bytes", consumer.PermitBytes);
            writer.WriteInteger("unacked", consumer.Unacked);
            writer.WriteInteger("last_dispatched", consumer.LastDispatchedOffset ?? None);
            writer.EndRecord();
        }
        writer.EndList();
        writer.EndRecord();
    }

    private static PartitionExplanation ReadPartition<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var partition = new PartitionExplanation(
            HeaderFields.ReadInt32(ref reader, "partition"),
            reader.ReadInteger("backlog"),
            ReadOptional(ref reader, "oldest"),
            ReadOptional(ref reader, "oldest_age_us") is { } age ? ToAge(age) : null,
            ReadOptional(ref reader, "next"),
            // A reason that a later broker has and this client does not know is still worth showing.
            (WaitReason)HeaderFields.ReadInt32(ref reader, "reason"),
            reader.ReadString("holder"),
            ReadOptional(ref reader, "until_us") is { } until ? UnixMicroseconds.ToTime(until) : null,
            reader.ReadString("detail"),
            ReadConsumers(ref reader));
        reader.EndRecord();
        return partition;
    }

    private static List<ConsumerExplanation> ReadConsumers<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        var consumers = new List<ConsumerExplanation>();
        var count = reader.BeginList("consumers");
        for (var i = 0; i < count; i++)
        {
            reader.BeginRecord();
            consumers.Add(new(
                HeaderFields.ReadRequiredString(ref reader, "name"),
                reader.ReadBoolean("active"),
                reader.ReadBoolean("reading"),
                reader.ReadInteger("permits"),
                reader.ReadInteger("permit_bytes"),
                reader.ReadInteger("unacked"),
                ReadOptional(ref reader, "last_dispatched")));
            reader.EndRecord();
        }
        reader.EndList();
        return consumers;
    }

    /// <summary>What a hostile peer claims to be older than a <see cref="TimeSpan"/> can say is as old as that.</summary>
    private static TimeSpan ToAge(long microseconds) =>
        TimeSpan.FromTicks(Math.Min(microseconds, TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerMicrosecond) * TimeSpan.TicksPerMicrosecond);

    private static long? ReadOptional<TReader>(ref TReader reader, string name)
        where TReader : IHeaderReader, allows ref struct => reader.ReadInteger(name) is >= 0 and var value ? value : null;
}
