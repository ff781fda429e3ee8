namespace Comet.Wire;

/// <summary>Changes a topic that is in use: its policy, and how many partitions it has. Answer: Ok, when every partition has it.</summary>
/// <remarks>Header: <c>topic | partitions | policy</c>. Partitions: 0 leaves them as they are. Policy: see <see cref="PolicyFields"/>; what
/// it does not say stays as it is.</remarks>
internal readonly record struct UpdateTopicFrame(string Topic, TopicUpdate Update) : IFrame<UpdateTopicFrame>
{
    public static FrameType Type => FrameType.UpdateTopic;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(2 + PolicyFields.Count);
        writer.WriteString("topic", Topic);
        writer.WriteInteger("partitions", Update.Partitions ?? 0);
        PolicyFields.Write(ref writer, Update);
        writer.EndRecord();
    }

    public static UpdateTopicFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var topic = HeaderFields.ReadRequiredString(ref reader, "topic");
        var partitions = HeaderFields.ReadInt32(ref reader, "partitions");
        var update = PolicyFields.Read(ref reader) with { Partitions = partitions == 0 ? null : partitions };
        reader.EndRecord();
        return new(topic, update);
    }
}
