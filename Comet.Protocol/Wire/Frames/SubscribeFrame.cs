namespace Comet.Wire;

/// <summary>Attaches a consumer to one partition of a subscription, or a reader (neither durable nor ephemeral: no name is kept). Answer:
/// Subscribed. Nothing is delivered before Permits.</summary>
/// <remarks>Header: <c>topic | partition | subscription | type | durable | consumer_name | start_kind | start_value |
/// priority | ephemeral | lease_ms | backoff_ms | max_backoff_ms | backoff_permille | max_deliveries | dead_letter_topic</c>. The last
/// ones: <see cref="SubscriptionTerms"/>.</remarks>
internal readonly record struct SubscribeFrame(
    string Topic,
    int Partition,
    string Subscription,
    SubscriptionType SubscriptionType,
    bool Durable,
    string ConsumerName,
    long StartKind,
    long StartValue,
    int PriorityLevel) : IFrame<SubscribeFrame>
{
    public SubscriptionTerms Terms { get; init; }

    public static FrameType Type => FrameType.Subscribe;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(9 + SubscriptionTerms.FieldCount);
        writer.WriteString("topic", Topic);
        writer.WriteInteger("partition", Partition);
        writer.WriteString("subscription", Subscription);
        writer.WriteInteger("type", (long)SubscriptionType);
        writer.WriteBoolean("durable", Durable);
        writer.WriteString("consumer_name", ConsumerName);
        writer.WriteInteger("start_kind", StartKind);
        writer.WriteInteger("start_value", StartValue);
        writer.WriteInteger("priority", PriorityLevel);
        Terms.WriteFields(ref writer);
        writer.EndRecord();
    }

    public static SubscribeFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new SubscribeFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"),
            HeaderFields.ReadInt32(ref reader, "partition"),
            HeaderFields.ReadRequiredString(ref reader, "subscription"),
            HeaderFields.ReadEnum<SubscriptionType, TReader>(ref reader, "type"),
            reader.ReadBoolean("durable"),
            HeaderFields.ReadRequiredString(ref reader, "consumer_name"),
            reader.ReadInteger("start_kind"),
            reader.ReadInteger("start_value"),
            HeaderFields.ReadInt32(ref reader, "priority")) { Terms = SubscriptionTerms.ReadFields(ref reader) };
        reader.EndRecord();
        return frame;
    }
}
