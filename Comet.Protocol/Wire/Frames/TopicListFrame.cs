namespace Comet.Wire;

/// <summary>The topics that were asked for.</summary>
/// <remarks>Header: <c>topics: list of (name | partitions) | more</c>. More: there are others behind the last one.</remarks>
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
            writer.BeginRecord(2);
            writer.WriteString("name", topic.Name);
            writer.WriteInteger("partitions", topic.PartitionCount);
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
            topics.Add(new(HeaderFields.ReadRequiredString(ref reader, "name"), HeaderFields.ReadInt32(ref reader, "partitions")));
            reader.EndRecord();
        }
        reader.EndList();
        var hasMore = reader.ReadBoolean("more");
        reader.EndRecord();
        return new(topics, hasMore);
    }
}
