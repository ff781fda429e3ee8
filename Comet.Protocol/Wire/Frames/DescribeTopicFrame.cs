namespace Comet.Wire;

/// <summary>Asks for a description of a topic. Answer: TopicInfo.</summary>
/// <remarks>Header: <c>topic</c>.</remarks>
internal readonly record struct DescribeTopicFrame(string Topic) : IFrame<DescribeTopicFrame>
{
    public static FrameType Type => FrameType.DescribeTopic;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(1);
        writer.WriteString("topic", Topic);
        writer.EndRecord();
    }

    public static DescribeTopicFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new DescribeTopicFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"));
        reader.EndRecord();
        return frame;
    }
}
