namespace Comet.Wire;

/// <summary>Gives messages up: they go to the dead-letter topic of the subscription. With a correlation id it is answered by Ok, before
/// they are there.</summary>
/// <remarks>Header: <c>consumer | reason | ranges | delivery_count</c>. Ranges: pairs of first and last offset, both included.
/// Delivery count: as in <see cref="NackFrame"/>.</remarks>
internal readonly record struct DeadLetterFrame(long ConsumerId, string? Reason, long[] Ranges, int DeliveryCount = 0)
    : IFrame<DeadLetterFrame>
{
    public static FrameType Type => FrameType.DeadLetter;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(4);
        writer.WriteInteger("consumer", ConsumerId);
        writer.WriteString("reason", Reason);
        writer.WriteIntegers("ranges", Ranges);
        writer.WriteInteger("delivery_count", DeliveryCount);
        writer.EndRecord();
    }

    public static DeadLetterFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new DeadLetterFrame(
            reader.ReadInteger("consumer"),
            reader.ReadString("reason"),
            reader.ReadIntegers("ranges"),
            HeaderFields.ReadInt32(ref reader, "delivery_count"));
        reader.EndRecord();
        return frame;
    }
}
