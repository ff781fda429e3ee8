namespace Comet.Wire;

/// <summary>The sender takes no new work and closes when its answers are out.</summary>
/// <remarks>Header: <c>code | message</c>.</remarks>
internal readonly record struct GoodbyeFrame(ErrorCode Code, string? Message) : IFrame<GoodbyeFrame>
{
    public static FrameType Type => FrameType.Goodbye;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(2);
        writer.WriteInteger("code", (long)Code);
        writer.WriteString("message", Message);
        writer.EndRecord();
    }

    public static GoodbyeFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new GoodbyeFrame(
            (ErrorCode)HeaderFields.ReadInt32(ref reader, "code"),
            reader.ReadString("message"));
        reader.EndRecord();
        return frame;
    }
}
