namespace Comet.Wire;

/// <summary>The description of a topic.</summary>
/// <remarks>Header: <c>name | partitions: list of (partition | start | end | bytes | producers | first_time | last_time) | subscriptions:
/// list of (name | partition | type | acked_up_to | backlog | unacked | consumers | permits | dead_lettering |
/// dead_letter_error | oldest_offset | oldest_time | backlog_bytes | expired | dropped) | policy</c>. A time of 0 is none;
/// oldest_offset means something with an oldest_time only. Policy: see <see cref="PolicyFields"/>.</remarks>
internal readonly record struct TopicInfoFrame(TopicDescription Topic) : IFrame<TopicInfoFrame>
{
    public static FrameType Type => FrameType.TopicInfo;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(3 + PolicyFields.Count);
        writer.WriteString("name", Topic.Name);
        writer.BeginList("partitions", Topic.Partitions.Count);
        foreach (var partition in Topic.Partitions)
        {
            writer.BeginRecord(7);
            writer.WriteInteger("partition", partition.Partition);
            writer.WriteInteger("start", partition.StartOffset);
            writer.WriteInteger("end", partition.EndOffset);
            writer.WriteInteger("bytes", partition.Bytes);
            writer.WriteInteger("producers", partition.Producers);
            writer.WriteInteger("first_time", FromTime(partition.FirstAppendTime));
            writer.WriteInteger("last_time", FromTime(partition.LastAppendTime));
            writer.EndRecord();
        }
        writer.EndList();
        writer.BeginList("subscriptions", Topic.Subscriptions.Count);
        foreach (var subscription in Topic.Subscriptions)
            WriteSubscription(ref writer, subscription);
        writer.EndList();
        PolicyFields.Write(ref writer, TopicUpdate.From(Topic.Policy));
        writer.EndRecord();
    }

    public static TopicInfoFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var name = HeaderFields.ReadRequiredString(ref reader, "name");
        var partitions = new List<PartitionDescription>();
        var partitionCount = reader.BeginList("partitions");
        for (var i = 0; i < partitionCount; i++)
        {
            reader.BeginRecord();
            partitions.Add(new(
                HeaderFields.ReadInt32(ref reader, "partition"),
                reader.ReadInteger("start"),
                reader.ReadInteger("end"),
                reader.ReadInteger("bytes"),
                HeaderFields.ReadInt32(ref reader, "producers"))
            {
                FirstAppendTime = ToTime(reader.ReadInteger("first_time")),
                LastAppendTime = ToTime(reader.ReadInteger("last_time")),
            });
            reader.EndRecord();
        }
        reader.EndList();
        var subscriptions = new List<SubscriptionDescription>();
        var subscriptionCount = reader.BeginList("subscriptions");
        for (var i = 0; i < subscriptionCount; i++)
            subscriptions.Add(ReadSubscription(ref reader));
        reader.EndList();
        var policy = PolicyFields.Read(ref reader).ApplyTo(TopicPolicy.Default);
        reader.EndRecord();
        return new(new TopicDescription(name, partitions, subscriptions) { Policy = policy });
    }

    private static void WriteSubscription<TWriter>(ref TWriter writer, SubscriptionDescription subscription)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(15);
        writer.WriteString("name", subscription.Name);
        writer.WriteInteger("partition", subscription.Partition);
        writer.WriteInteger("type", (long)subscription.Type);
        writer.WriteInteger("acked_up_to", subscription.AckedUpTo);
        writer.WriteInteger("backlog", subscription.Backlog);
        writer.WriteInteger("unacked", subscription.Unacked);
        writer.WriteInteger("consumers", subscription.Consumers);
        writer.WriteInteger("permits", subscription.Permits);
        writer.WriteInteger("dead_lettering", subscription.DeadLettering);
        writer.WriteString("dead_letter_error", subscription.DeadLetterError);
        writer.WriteInteger("oldest_offset", subscription.OldestUnackedOffset ?? 0);
        writer.WriteInteger("oldest_time", FromTime(subscription.OldestUnackedTime));
        writer.WriteInteger("backlog_bytes", subscription.BacklogBytes);
        writer.WriteInteger("expired", subscription.Expired);
        writer.WriteInteger("dropped", subscription.Dropped);
        writer.EndRecord();
    }

    private static SubscriptionDescription ReadSubscription<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var subscription = new SubscriptionDescription(
            HeaderFields.ReadRequiredString(ref reader, "name"),
            HeaderFields.ReadInt32(ref reader, "partition"),
            HeaderFields.ReadEnum<SubscriptionType, TReader>(ref reader, "type"),
            reader.ReadInteger("acked_up_to"),
            reader.ReadInteger("backlog"),
            reader.ReadInteger("unacked"),
            HeaderFields.ReadInt32(ref reader, "consumers"),
            reader.ReadInteger("permits"))
        {
            DeadLettering = reader.ReadInteger("dead_lettering"),
            DeadLetterError = reader.ReadString("dead_letter_error"),
        };
        var (oldestOffset, oldestTime) = (reader.ReadInteger("oldest_offset"), ToTime(reader.ReadInteger("oldest_time")));
        subscription = subscription with
        {
            OldestUnackedOffset = oldestTime is null ? null : oldestOffset,
            OldestUnackedTime = oldestTime,
            BacklogBytes = reader.ReadInteger("backlog_bytes"),
            Expired = reader.ReadInteger("expired"),
            Dropped = reader.ReadInteger("dropped"),
        };
        reader.EndRecord();
        return subscription;
    }

    private static long FromTime(DateTimeOffset? time) => time is { } known ? UnixMicroseconds.From(known) : 0;

    private static DateTimeOffset? ToTime(long microseconds) => microseconds == 0 ? null : UnixMicroseconds.ToTime(microseconds);
}
