namespace Comet.Wire;

/// <summary>The broker detached a producer.</summary>
/// <remarks>Header: <c>producer | code | message</c>.</remarks>
internal readonly record struct ProducerClosedFrame(long ProducerId, ErrorCode Code, string? Message) : IFrame<ProducerClosedFrame>
{
    public static FrameType Type => FrameType.ProducerClosed;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(3);
        writer.WriteInteger("producer", ProducerId);
        writer.WriteInteger("code", (long)Code);
        writer.WriteString("message", Message);
        writer.EndRecord();
    }

    public static ProducerClosedFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new ProducerClosedFrame(
            reader.ReadInteger("producer"),
            (ErrorCode)HeaderFields.ReadInt32(ref reader, "code"),
            reader.ReadString("message"));
        reader.EndRecord();
        return frame;
    }
}
