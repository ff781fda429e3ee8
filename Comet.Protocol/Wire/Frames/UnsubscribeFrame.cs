namespace Comet.Wire;

/// <summary>Removes a durable subscription from one partition with its cursor. Answer: Ok.</summary>
/// <remarks>Header: <c>topic | partition | subscription</c>.</remarks>
internal readonly record struct UnsubscribeFrame(string Topic, int Partition, string Subscription) : IFrame<UnsubscribeFrame>
{
    public static FrameType Type => FrameType.Unsubscribe;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(3);
        writer.WriteString("topic", Topic);
        writer.WriteInteger("partition", Partition);
        writer.WriteString("subscription", Subscription);
        writer.EndRecord();
    }

    public static UnsubscribeFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new UnsubscribeFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"),
            HeaderFields.ReadInt32(ref reader, "partition"),
            HeaderFields.ReadRequiredString(ref reader, "subscription"));
        reader.EndRecord();
        return frame;
    }
}
