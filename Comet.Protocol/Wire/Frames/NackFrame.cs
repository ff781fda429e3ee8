namespace Comet.Wire;

/// <summary>Gives ranges of offsets back for redelivery, not before the delay. With a correlation id it is answered by Ok.</summary>
/// <remarks>Header: <c>consumer | delay_ms | reason | ranges</c>. A delay of -1 stands for what the subscription says. Ranges: pairs of
/// first and last offset, both included.</remarks>
internal readonly record struct NackFrame(long ConsumerId, long DelayMilliseconds, string? Reason, long[] Ranges) : IFrame<NackFrame>
{
    /// <summary>The delay that stands for what the subscription says.</summary>
    public const long DelayByPolicy = -1;

    public static FrameType Type => FrameType.Nack;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(4);
        writer.WriteInteger("consumer", ConsumerId);
        writer.WriteInteger("delay_ms", DelayMilliseconds);
        writer.WriteString("reason", Reason);
        writer.WriteIntegers("ranges", Ranges);
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
            reader.ReadIntegers("ranges"));
        reader.EndRecord();
        return frame;
    }
}
