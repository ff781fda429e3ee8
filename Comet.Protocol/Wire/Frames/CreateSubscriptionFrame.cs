namespace Comet.Wire;

/// <summary>Creates a durable subscription in one partition without a consumer. Answer: Ok.</summary>
/// <remarks>Header: <c>topic | partition | subscription | type | start_kind | start_value | if_not_exists</c>.</remarks>
internal readonly record struct CreateSubscriptionFrame(
    string Topic, int Partition, string Subscription, SubscriptionType SubscriptionType, long StartKind, long StartValue, bool IfNotExists)
        : IFrame<CreateSubscriptionFrame>
{
    public static FrameType Type => FrameType.CreateSubscription;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(7);
        writer.WriteString("topic", Topic);
        writer.WriteInteger("partition", Partition);
        writer.WriteString("subscription", Subscription);
        writer.WriteInteger("type", (long)SubscriptionType);
        writer.WriteInteger("start_kind", StartKind);
        writer.WriteInteger("start_value", StartValue);
        writer.WriteBoolean("if_not_exists", IfNotExists);
        writer.EndRecord();
    }

    public static CreateSubscriptionFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new CreateSubscriptionFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"),
            HeaderFields.ReadInt32(ref reader, "partition"),
            HeaderFields.ReadRequiredString(ref reader, "subscription"),
            HeaderFields.ReadEnum<SubscriptionType, TReader>(ref reader, "type"),
            reader.ReadInteger("start_kind"),
            reader.ReadInteger("start_value"),
            reader.ReadBoolean("if_not_exists"));
        reader.EndRecord();
        return frame;
    }
}
