namespace Comet.Wire;

/// <summary>Asks for the topics whose names begin with a prefix (empty: all). Answer: TopicList.</summary>
/// <remarks>Header: <c>prefix</c>.</remarks>
internal readonly record struct ListTopicsFrame(string? Prefix) : IFrame<ListTopicsFrame>
{
    public static FrameType Type => FrameType.ListTopics;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(1);
        writer.WriteString("prefix", Prefix);
        writer.EndRecord();
    }

    public static ListTopicsFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new ListTopicsFrame(
            reader.ReadString("prefix"));
        reader.EndRecord();
        return frame;
    }
}
