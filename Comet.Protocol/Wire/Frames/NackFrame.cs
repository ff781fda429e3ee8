namespace Comet.Wire;

/// <summary>Gives ranges of offsets back for redelivery, not before the delay. With a correlation id it is answered by Ok.</summary>
/// <remarks>Header: <c>consumer | delay_ms | reason | ranges | delivery_count</c>. A delay of -1 stands for what the subscription says.
/// Ranges: pairs of first and last offset, both included. Delivery count: as <see cref="DeliverFrame"/> said it; deliveries of the same
/// messages with another one are left alone. 0: whichever the consumer holds.</remarks>
internal readonly record struct NackFrame(long ConsumerId, long DelayMilliseconds, string? Reason, long[] Ranges, int DeliveryCount = 0)
    : IFrame<NackFrame>
{
    /// <summary>The delay that stands for what the subscription says.</summary>
    public const long DelayByPolicy = -1;

    public static FrameType Type => FrameType.Nack;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(5);
        writer.WriteInteger("consumer", ConsumerId);
        writer.WriteInteger("delay_ms", DelayMilliseconds);
        writer.WriteString("reason", Reason);
        writer.WriteIntegers("ranges", Ranges);
        writer.WriteInteger("delivery_count", DeliveryCount);
        writer.EndRecord();
    }

    public static NackFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new NackFrame(
            reader.ReadInteger("consumer"),
            reader.ReadInteger("delay_ms"),
            reader.ReadString("reason"),
            reader.ReadIntegers("ranges"),
            HeaderFields.ReadInt32(ref reader, "delivery_count"));
        reader.EndRecord();
        return frame;
    }
}
