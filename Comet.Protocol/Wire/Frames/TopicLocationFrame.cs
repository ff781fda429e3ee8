namespace Comet.Wire;

/// <summary>Where the partitions of a topic are.</summary>
/// <remarks>Header: <c>topic | partitions | owners</c>. Owners: one address for each partition, or empty: all of them on the node that
/// answers.</remarks>
internal readonly record struct TopicLocationFrame(string Topic, int PartitionCount, string[] Owners) : IFrame<TopicLocationFrame>
{
    public static FrameType Type => FrameType.TopicLocation;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(3);
        writer.WriteString("topic", Topic);
        writer.WriteInteger("partitions", PartitionCount);
        HeaderFields.WriteStrings(ref writer, "owners", Owners);
        writer.EndRecord();
    }

    public static TopicLocationFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new TopicLocationFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"),
            HeaderFields.ReadInt32(ref reader, "partitions"),
            HeaderFields.ReadStrings(ref reader, "owners"));
        reader.EndRecord();
        return frame;
    }
}
