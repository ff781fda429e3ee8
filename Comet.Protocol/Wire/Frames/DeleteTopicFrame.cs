namespace Comet.Wire;

/// <summary>Deletes a topic with all it holds. Answer: Ok.</summary>
/// <remarks>Header: <c>topic</c>.</remarks>
internal readonly record struct DeleteTopicFrame(string Topic) : IFrame<DeleteTopicFrame>
{
    public static FrameType Type => FrameType.DeleteTopic;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(1);
        writer.WriteString("topic", Topic);
        writer.EndRecord();
    }

    public static DeleteTopicFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new DeleteTopicFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"));
        reader.EndRecord();
        return frame;
    }
}
