namespace Comet.Wire;

/// <summary>Detaches a producer. Answer: Ok.</summary>
/// <remarks>Header: <c>producer</c>.</remarks>
internal readonly record struct CloseProducerFrame(long ProducerId) : IFrame<CloseProducerFrame>
{
    public static FrameType Type => FrameType.CloseProducer;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(1);
        writer.WriteInteger("producer", ProducerId);
        writer.EndRecord();
    }

    public static CloseProducerFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new CloseProducerFrame(
            reader.ReadInteger("producer"));
        reader.EndRecord();
        return frame;
    }
}
