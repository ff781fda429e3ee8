namespace Comet.Wire;

/// <summary>Tells a consumer that deliveries are not its own any more: their lease was over, and they are delivered again.</summary>
/// <remarks>Header: <c>consumer | ranges</c>. Ranges: pairs of first and last offset, both included.</remarks>
internal readonly record struct LeaseLostFrame(long ConsumerId, long[] Ranges) : IFrame<LeaseLostFrame>
{
    public static FrameType Type => FrameType.LeaseLost;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(2);
        writer.WriteInteger("consumer", ConsumerId);
        writer.WriteIntegers("ranges", Ranges);
        writer.EndRecord();
    }

    public static LeaseLostFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new LeaseLostFrame(
            reader.ReadInteger("consumer"),
            reader.ReadIntegers("ranges"));
        reader.EndRecord();
        return frame;
    }
}
