namespace Comet.Wire;

/// <summary>Acknowledges ranges of offsets. With a correlation id it is answered by Ok.</summary>
/// <remarks>Header: <c>consumer | cumulative | ranges</c>. Ranges: pairs of first and last offset, both included; cumulative: one pair,
/// whose last offset and all below it are meant.</remarks>
internal readonly record struct AckFrame(long ConsumerId, bool Cumulative, long[] Ranges) : IFrame<AckFrame>
{
    public static FrameType Type => FrameType.Ack;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(3);
        writer.WriteInteger("consumer", ConsumerId);
        writer.WriteBoolean("cumulative", Cumulative);
        writer.WriteIntegers("ranges", Ranges);
        writer.EndRecord();
    }

    public static AckFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new AckFrame(
            reader.ReadInteger("consumer"),
            reader.ReadBoolean("cumulative"),
            reader.ReadIntegers("ranges"));
        reader.EndRecord();
        return frame;
    }
}
