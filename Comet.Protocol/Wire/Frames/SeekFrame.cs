namespace Comet.Wire;

/// <summary>Moves a durable subscription to another place in one partition: what it has acked, and what its consumers hold, is forgotten;
/// its consumers are detached and attach again. Answer: Sought.</summary>
/// <remarks>Header: <c>topic | partition | subscription | start_kind | start_value</c>.</remarks>
internal readonly record struct SeekFrame(string Topic, int Partition, string Subscription, long StartKind, long StartValue)
    : IFrame<SeekFrame>
{
    public static FrameType Type => FrameType.Seek;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(5);
        writer.WriteString("topic", Topic);
        writer.WriteInteger("partition", Partition);
        writer.WriteString("subscription", Subscription);
        writer.WriteInteger("start_kind", StartKind);
        writer.WriteInteger("start_value", StartValue);
        writer.EndRecord();
    }

    public static SeekFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new SeekFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"),
            HeaderFields.ReadInt32(ref reader, "partition"),
            HeaderFields.ReadRequiredString(ref reader, "subscription"),
            reader.ReadInteger("start_kind"),
            reader.ReadInteger("start_value"));
        reader.EndRecord();
        return frame;
    }
}
