namespace Comet.Wire;

/// <summary>Detaches a consumer; what it has not acked goes to others. Answer: Ok.</summary>
/// <remarks>Header: <c>consumer</c>.</remarks>
internal readonly record struct CloseConsumerFrame(long ConsumerId) : IFrame<CloseConsumerFrame>
{
    public static FrameType Type => FrameType.CloseConsumer;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(1);
        writer.WriteInteger("consumer", ConsumerId);
        writer.EndRecord();
    }

    public static CloseConsumerFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new CloseConsumerFrame(
            reader.ReadInteger("consumer"));
        reader.EndRecord();
        return frame;
    }
}
