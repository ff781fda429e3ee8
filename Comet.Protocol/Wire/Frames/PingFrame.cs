namespace Comet.Wire;

/// <summary>Asks for a Pong; sent after a silence.</summary>
/// <remarks>Header: <c>(none)</c>.</remarks>
internal readonly record struct PingFrame() : IFrame<PingFrame>
{
    public static FrameType Type => FrameType.Ping;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(0);
        writer.EndRecord();
    }

    public static PingFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        reader.EndRecord();
        return default;
    }
}
