namespace Comet.Wire;

/// <summary>Moves a message that waits for its time to another time. Answer: ScheduleResult.</summary>
/// <remarks>Header: <c>topic | partition | offset | deliver_at</c>. Deliver_at: microseconds since the Unix epoch; a past one means
/// now.</remarks>
internal readonly record struct RescheduleFrame(string Topic, int Partition, long Offset, long DeliverAt) : IFrame<RescheduleFrame>
{
    public static FrameType Type => FrameType.Reschedule;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(4);
        writer.WriteString("topic", Topic);
        writer.WriteInteger("partition", Partition);
        writer.WriteInteger("offset", Offset);
        writer.WriteInteger("deliver_at", DeliverAt);
        writer.EndRecord();
    }

    public static RescheduleFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new RescheduleFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"),
            HeaderFields.ReadInt32(ref reader, "partition"),
            reader.ReadInteger("offset"),
            reader.ReadInteger("deliver_at"));
        reader.EndRecord();
        return frame;
    }
}
