namespace Comet.Wire;

/// <summary>Asks for messages of a partition that wait for their time, in the order of when they are due and then of offset. Answer:
/// ScheduledPage.</summary>
/// <remarks>Header: <c>topic | partition | key | from | to | after_due | after_offset | limit</c>. Key, from, to: as of CountScheduled.
/// After: where the page before ended; offset -1 with the lowest time for the first. Limit: at most 1,000; more are cut to that.</remarks>
internal readonly record struct ListScheduledFrame(
    string Topic,
    int Partition,
    string? Key,
    long From,
    long To,
    long AfterDue,
    long AfterOffset,
    int Limit) : IFrame<ListScheduledFrame>
{
    /// <summary>The most entries of a page.</summary>
    public const int MaxLimit = 1_000;

    public static FrameType Type => FrameType.ListScheduled;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(8);
        writer.WriteString("topic", Topic);
        writer.WriteInteger("partition", Partition);
        writer.WriteString("key", Key);
        writer.WriteInteger("from", From);
        writer.WriteInteger("to", To);
        writer.WriteInteger("after_due", AfterDue);
        writer.WriteInteger("after_offset", AfterOffset);
        writer.WriteInteger("limit", Limit);
        writer.EndRecord();
    }

    public static ListScheduledFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new ListScheduledFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"),
            HeaderFields.ReadInt32(ref reader, "partition"),
            reader.ReadString("key"),
            reader.ReadInteger("from"),
            reader.ReadInteger("to"),
            reader.ReadInteger("after_due"),
            reader.ReadInteger("after_offset"),
            HeaderFields.ReadInt32(ref reader, "limit"));
        reader.EndRecord();
        return frame;
    }
}
