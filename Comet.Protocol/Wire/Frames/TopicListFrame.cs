namespace Comet.Wire;

/// <summary>The topics that were asked for.</summary>
/// <remarks>Header: <c>topics: list of (name | partitions | messages | bytes) | more</c>. Messages, bytes: 0 where they are not known,
/// otherwise the number and 1. More: there are others behind the last one.</remarks>
internal readonly record struct TopicListFrame(IReadOnlyList<TopicSummary> Topics, bool HasMore = false) : IFrame<TopicListFrame>
{
    public static FrameType Type => FrameType.TopicList;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(2);
        writer.BeginList("topics", Topics.Count);
        foreach (var topic in Topics)
        {
            writer.BeginRecord(4);
            writer.WriteString("name", topic.Name);
            writer.WriteInteger("partitions", topic.PartitionCount);
            writer.WriteInteger("messages", topic.Messages + 1 ?? 0);
            writer.WriteInteger("bytes", topic.Bytes + 1 ?? 0);
            writer.EndRecord();
        }
        writer.EndList();
        writer.WriteBoolean("more", HasMore);
        writer.EndRecord();
    }

    public static TopicListFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var count = reader.BeginList("topics");
        var topics = new List<TopicSummary>();
        for (var i = 0; i < count; i++)
        {
            reader.BeginRecord();
            topics.Add(new(HeaderFields.ReadRequiredString(ref reader, "name"), HeaderFields.ReadInt32(ref reader, "partitions"))
            {
                Messages = ReadNumber(ref reader, "messages"), Bytes = ReadNumber(ref reader, "bytes"),
            });
            reader.EndRecord();
        }
        reader.EndList();
        var hasMore = reader.ReadBoolean("more");
        reader.EndRecord();
        return new(topics, hasMore);
    }

    private static long? ReadNumber<TReader>(ref TReader reader, string name)
        where TReader : IHeaderReader, allows ref struct => reader.ReadInteger(name) is var value and > 0 ? value - 1 : null;
}
