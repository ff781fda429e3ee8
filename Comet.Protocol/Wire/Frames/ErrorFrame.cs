namespace Comet.Wire;

/// <summary>Why a request failed (correlation id of the request), or why the connection ends (correlation id 0).</summary>
/// <remarks>Header: <c>code | message | redirect</c>.</remarks>
internal readonly record struct ErrorFrame(ErrorCode Code, string? Message, string? RedirectAddress) : IFrame<ErrorFrame>
{
    public static FrameType Type => FrameType.Error;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(3);
        writer.WriteInteger("code", (long)Code);
        writer.WriteString("message", Message);
        writer.WriteString("redirect", RedirectAddress);
        writer.EndRecord();
    }

    public static ErrorFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new ErrorFrame(
            (ErrorCode)HeaderFields.ReadInt32(ref reader, "code"),
            reader.ReadString("message"),
            reader.ReadString("redirect"));
        reader.EndRecord();
        return frame;
    }
}
