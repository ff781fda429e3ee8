namespace Comet.Wire;

/// <summary>Stores one record batch. Answer: Published, or Error.</summary>
/// <remarks>Header: <c>producer | follows</c>. Follows: 0 when the first sequence id follows the last of the batch before; otherwise 2
/// more than the last sequence id that the producer has sent before, 1 when it has sent none. Payload: a record batch.</remarks>
internal readonly record struct PublishFrame(long ProducerId, long Follows = 0) : IFrame<PublishFrame>
{
    public static FrameType Type => FrameType.Publish;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(2);
        writer.WriteInteger("producer", ProducerId);
        writer.WriteInteger("follows", Follows);
        writer.EndRecord();
    }

    public static PublishFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new PublishFrame(
            reader.ReadInteger("producer"),
            reader.ReadInteger("follows"));
        reader.EndRecord();
        return frame;
    }
}
