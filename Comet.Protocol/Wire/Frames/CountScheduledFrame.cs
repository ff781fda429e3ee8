namespace Comet.Wire;

/// <summary>Counts the messages of a partition that wait for their time. Answer: ScheduleResult, with the number in count.</summary>
/// <remarks>Header: <c>topic | partition | key | from | to</c>. Key: null for all. From, to: the times between which they are due, both
/// included, in microseconds since the Unix epoch.</remarks>
internal readonly record struct CountScheduledFrame(string Topic, int Partition, string? Key, long From, long To)
    : IFrame<CountScheduledFrame>
{
    public static FrameType Type => FrameType.CountScheduled;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(5);
        writer.WriteString("topic", Topic);
        writer.WriteInteger("partition", Partition);
        writer.WriteString("key", Key);
        writer.WriteInteger("from", From);
        writer.WriteInteger("to", To);
        writer.EndRecord();
    }

    public static CountScheduledFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new CountScheduledFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"),
            HeaderFields.ReadInt32(ref reader, "partition"),
            reader.ReadString("key"),
            reader.ReadInteger("from"),
            reader.ReadInteger("to"));
        reader.EndRecord();
        return frame;
    }
}
