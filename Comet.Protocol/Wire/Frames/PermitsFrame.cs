namespace Comet.Wire;

/// <summary>Lets the broker send so many more messages and bytes to a consumer. A batch may overdraw the bytes; nothing is sent while
/// either count is zero or less. No answer.</summary>
/// <remarks>Header: <c>consumer | messages | bytes</c>.</remarks>
internal readonly record struct PermitsFrame(long ConsumerId, long Messages, long Bytes) : IFrame<PermitsFrame>
{
    public static FrameType Type => FrameType.Permits;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(3);
        writer.WriteInteger("consumer", ConsumerId);
        writer.WriteInteger("messages", Messages);
        writer.WriteInteger("bytes", Bytes);
        writer.EndRecord();
    }

    public static PermitsFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new PermitsFrame(
            reader.ReadInteger("consumer"),
            reader.ReadInteger("messages"),
            reader.ReadInteger("bytes"));
        reader.EndRecord();
        return frame;
    }
}
