namespace Comet.Wire;

/// <summary>Tells a client that a topic which it has looked up over this connection has more partitions now.</summary>
/// <remarks>Header: <c>topic | partitions</c>.</remarks>
internal readonly record struct TopicChangedFrame(string Topic, int PartitionCount) : IFrame<TopicChangedFrame>
{
    public static FrameType Type => FrameType.TopicChanged;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(2);
        writer.WriteString("topic", Topic);
        writer.WriteInteger("partitions", PartitionCount);
        writer.EndRecord();
    }

    public static TopicChangedFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new TopicChangedFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"),
            HeaderFields.ReadInt32(ref reader, "partitions"));
        reader.EndRecord();
        return frame;
    }
}
