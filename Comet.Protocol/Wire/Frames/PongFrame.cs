namespace Comet.Wire;

/// <summary>Answers a Ping.</summary>
/// <remarks>Header: <c>(none)</c>.</remarks>
internal readonly record struct PongFrame() : IFrame<PongFrame>
{
    public static FrameType Type => FrameType.Pong;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(0);
        writer.EndRecord();
    }

    public static PongFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        reader.EndRecord();
        return default;
    }
}
