namespace Comet.Wire;

/// <summary>The first frame of a client. Hello, Welcome and an Error in place of Welcome are always MessagePack; what follows is in
/// the codec that Hello names.</summary>
/// <remarks>Header: <c>min_version | max_version | codec | client_name | client_version | credentials | capabilities</c>.</remarks>
internal readonly record struct HelloFrame(
    long MinVersion,
    long MaxVersion,
    string Codec,
    string? ClientName,
    string? ClientVersion,
    byte[] Credentials,
    long Capabilities) : IFrame<HelloFrame>
{
    public static FrameType Type => FrameType.Hello;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(7);
        writer.WriteInteger("min_version", MinVersion);
        writer.WriteInteger("max_version", MaxVersion);
        writer.WriteString("codec", Codec);
        writer.WriteString("client_name", ClientName);
        writer.WriteString("client_version", ClientVersion);
        writer.WriteBytes("credentials", Credentials);
        writer.WriteInteger("capabilities", Capabilities);
        writer.EndRecord();
    }

    public static HelloFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new HelloFrame(
            reader.ReadInteger("min_version"),
            reader.ReadInteger("max_version"),
            HeaderFields.ReadRequiredString(ref reader, "codec"),
            reader.ReadString("client_name"),
            reader.ReadString("client_version"),
            reader.ReadBytes("credentials"),
            reader.ReadInteger("capabilities"));
        reader.EndRecord();
        return frame;
    }
}
