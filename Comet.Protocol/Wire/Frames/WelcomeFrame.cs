namespace Comet.Wire;

/// <summary>The broker accepts the client; the connection is open from here on.</summary>
/// <remarks>Header: <c>version | node_id | max_message_length | max_frame_length | heartbeat_ms | broker_version | nodes</c>.</remarks>
internal readonly record struct WelcomeFrame(
    long Version,
    string NodeId,
    long MaxMessageLength,
    long MaxFrameLength,
    long HeartbeatMilliseconds,
    string? BrokerVersion,
    string[] Nodes) : IFrame<WelcomeFrame>
{
    public static FrameType Type => FrameType.Welcome;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(7);
        writer.WriteInteger("version", Version);
        writer.WriteString("node_id", NodeId);
        writer.WriteInteger("max_message_length", MaxMessageLength);
        writer.WriteInteger("max_frame_length", MaxFrameLength);
        writer.WriteInteger("heartbeat_ms", HeartbeatMilliseconds);
        writer.WriteString("broker_version", BrokerVersion);
        HeaderFields.WriteStrings(ref writer, "nodes", Nodes);
        writer.EndRecord();
    }

    public static WelcomeFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new WelcomeFrame(
            reader.ReadInteger("version"),
            HeaderFields.ReadRequiredString(ref reader, "node_id"),
            reader.ReadInteger("max_message_length"),
            reader.ReadInteger("max_frame_length"),
            reader.ReadInteger("heartbeat_ms"),
            reader.ReadString("broker_version"),
            HeaderFields.ReadStrings(ref reader, "nodes"));
        reader.EndRecord();
        return frame;
    }
}
