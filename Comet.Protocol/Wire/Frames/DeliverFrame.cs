namespace Comet.Wire;

/// <summary>Records for a consumer, all with the same delivery count.</summary>
/// <remarks>Header: <c>consumer | delivery_count</c>. Payload: a record batch.</remarks>
internal readonly record struct DeliverFrame(long ConsumerId, int DeliveryCount) : IFrame<DeliverFrame>
{
    public static FrameType Type => FrameType.Deliver;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(2);
        writer.WriteInteger("consumer", ConsumerId);
        writer.WriteInteger("delivery_count", DeliveryCount);
        writer.EndRecord();
    }

    public static DeliverFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new DeliverFrame(
            reader.ReadInteger("consumer"),
            HeaderFields.ReadInt32(ref reader, "delivery_count"));
        reader.EndRecord();
        return frame;
    }
}
