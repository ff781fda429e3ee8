namespace Comet.Wire;

/// <summary>Asks where the partitions of a topic are, creating it on first use where the broker allows that. Answer:
/// TopicLocation.</summary>
/// <remarks>Header: <c>topic | create</c>.</remarks>
internal readonly record struct LookupTopicFrame(string Topic, bool CreateIfMissing) : IFrame<LookupTopicFrame>
{
    public static FrameType Type => FrameType.LookupTopic;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(2);
        writer.WriteString("topic", Topic);
        writer.WriteBoolean("create", CreateIfMissing);
        writer.EndRecord();
    }

    public static LookupTopicFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new LookupTopicFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"),
            reader.ReadBoolean("create"));
        reader.EndRecord();
        return frame;
    }
}
