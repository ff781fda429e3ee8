namespace Comet.Wire;

/// <summary>The broker detached a consumer.</summary>
/// <remarks>Header: <c>consumer | code | message</c>.</remarks>
internal readonly record struct ConsumerClosedFrame(long ConsumerId, ErrorCode Code, string? Message) : IFrame<ConsumerClosedFrame>
{
    public static FrameType Type => FrameType.ConsumerClosed;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(3);
        writer.WriteInteger("consumer", ConsumerId);
        writer.WriteInteger("code", (long)Code);
        writer.WriteString("message", Message);
        writer.EndRecord();
    }

    public static ConsumerClosedFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new ConsumerClosedFrame(
            reader.ReadInteger("consumer"),
            (ErrorCode)HeaderFields.ReadInt32(ref reader, "code"),
            reader.ReadString("message"));
        reader.EndRecord();
        return frame;
    }
}
