namespace Comet.Wire;

/// <summary>Creates a topic. Answer: Ok.</summary>
/// <remarks>Header: <c>topic | partitions | if_not_exists | policy</c>. Policy: see <see cref="PolicyFields"/>.</remarks>
internal readonly record struct CreateTopicFrame(string Topic, int PartitionCount, bool IfNotExists, TopicUpdate? Policy = null)
    : IFrame<CreateTopicFrame>
{
    public static FrameType Type => FrameType.CreateTopic;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(3 + PolicyFields.Count);
        writer.WriteString("topic", Topic);
        writer.WriteInteger("partitions", PartitionCount);
        writer.WriteBoolean("if_not_exists", IfNotExists);
        PolicyFields.Write(ref writer, Policy ?? new());
        writer.EndRecord();
    }

    public static CreateTopicFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new CreateTopicFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"),
            HeaderFields.ReadInt32(ref reader, "partitions"),
            reader.ReadBoolean("if_not_exists"),
            PolicyFields.Read(ref reader));
        reader.EndRecord();
        return frame;
    }
}
