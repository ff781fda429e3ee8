namespace Comet.Wire;

/// <summary>Asks for the topics whose names begin with a prefix (empty: all), in the order of their names. Answer: TopicList.</summary>
/// <remarks>Header: <c>prefix | after | limit</c>. After: the last name of the page before; empty for the first. Limit: at most
/// <see cref="MaxLimit"/>, more are cut to that; 0: all of them in one answer, which is refused when they are too many for it.</remarks>
internal readonly record struct ListTopicsFrame(string? Prefix, string? After = null, int Limit = 0) : IFrame<ListTopicsFrame>
{
    /// <summary>The most topics of a page: with the longest names and the largest numbers they fit into one answer, in either
    /// codec.</summary>
    public const int MaxLimit = 3_500;

    public static FrameType Type => FrameType.ListTopics;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(3);
        writer.WriteString("prefix", Prefix);
        writer.WriteString("after", After);
        writer.WriteInteger("limit", Limit);
        writer.EndRecord();
    }

    public static ListTopicsFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new ListTopicsFrame(
            reader.ReadString("prefix"),
            reader.ReadString("after"),
            HeaderFields.ReadInt32(ref reader, "limit"));
        reader.EndRecord();
        return frame;
    }
}
