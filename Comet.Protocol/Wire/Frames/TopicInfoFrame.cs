namespace Comet.Wire;

/// <summary>The description of a topic.</summary>
/// <remarks>Header: <c>name | partitions: list of (partition | start | end | bytes | producers) | subscriptions: list of (name |
/// partition | type | acked_up_to | backlog | unacked | consumers | permits | dead_lettering |
/// dead_letter_error)</c>.</remarks>
internal readonly record struct TopicInfoFrame(TopicDescription Topic) : IFrame<TopicInfoFrame>
{
    public static FrameType Type => FrameType.TopicInfo;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(3);
        writer.WriteString("name", Topic.Name);
        writer.BeginList("partitions", Topic.Partitions.Count);
        foreach (var partition in Topic.Partitions)
        {
            writer.BeginRecord(5);
            writer.WriteInteger("partition", partition.Partition);
            writer.WriteInteger("start", partition.StartOffset);
            writer.WriteInteger("end", partition.EndOffset);
            writer.WriteInteger("bytes", partition.Bytes);
            writer.WriteInteger("producers", partition.Producers);
            writer.EndRecord();
        }
        writer.EndList();
        writer.BeginList("subscriptions", Topic.Subscriptions.Count);
        foreach (var subscription in Topic.Subscriptions)
            WriteSubscription(ref writer, subscription);
        writer.EndList();
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
                HeaderFields.ReadInt32(ref reader, "producers")));
            reader.EndRecord();
        }
        reader.EndList();
        var subscriptions = new List<SubscriptionDescription>();
        var subscriptionCount = reader.BeginList("subscriptions");
        for (var i = 0; i < subscriptionCount; i++)
            subscriptions.Add(ReadSubscription(ref reader));
        reader.EndList();
        reader.EndRecord();
        return new(new TopicDescription(name, partitions, subscriptions));
    }

    private static void WriteSubscription<TWriter>(ref TWriter writer, SubscriptionDescription subscription)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(10);
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
        reader.EndRecord();
        return subscription;
    }
}
