namespace Comet.Wire;

/// <summary>Stores one record batch. Answer: Published, or Error.</summary>
/// <remarks>Header: <c>producer</c>. Payload: a record batch.</remarks>
internal readonly record struct PublishFrame(long ProducerId) : IFrame<PublishFrame>
{
    public static FrameType Type => FrameType.Publish;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(1);
        writer.WriteInteger("producer", ProducerId);
        writer.EndRecord();
    }

    public static PublishFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new PublishFrame(
            reader.ReadInteger("producer"));
        reader.EndRecord();
        return frame;
    }
}
