namespace Comet.Wire;

/// <summary>Cancels a message that waits for its time, or all that wait with a key. Answer: ScheduleResult.</summary>
/// <remarks>Header: <c>topic | partition | offset | key</c>. With a key (not null) the offset means nothing.</remarks>
internal readonly record struct CancelScheduledFrame(string Topic, int Partition, long Offset, string? Key) : IFrame<CancelScheduledFrame>
{
    public static FrameType Type => FrameType.CancelScheduled;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(4);
        writer.WriteString("topic", Topic);
        writer.WriteInteger("partition", Partition);
        writer.WriteInteger("offset", Offset);
        writer.WriteString("key", Key);
        writer.EndRecord();
    }

    public static CancelScheduledFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new CancelScheduledFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"),
            HeaderFields.ReadInt32(ref reader, "partition"),
            reader.ReadInteger("offset"),
            reader.ReadString("key"));
        reader.EndRecord();
        return frame;
    }
}
