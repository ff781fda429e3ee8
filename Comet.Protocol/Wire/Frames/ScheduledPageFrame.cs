namespace Comet.Wire;

/// <summary>Some of the messages that wait for their time. A page with fewer entries than its limit is the last.</summary>
/// <remarks>Header: <c>messages: list of (offset | deliver_at | key | publish_time | length)</c>. Times: microseconds since the Unix
/// epoch. Length: of the payload, in bytes.</remarks>
internal readonly record struct ScheduledPageFrame(IReadOnlyList<ScheduledEntry> Messages) : IFrame<ScheduledPageFrame>
{
    public static FrameType Type => FrameType.ScheduledPage;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(1);
        writer.BeginList("messages", Messages.Count);
        foreach (var message in Messages)
        {
            writer.BeginRecord(5);
            writer.WriteInteger("offset", message.Offset);
            writer.WriteInteger("deliver_at", message.DeliverAt);
            writer.WriteString("key", message.Key);
            writer.WriteInteger("publish_time", message.PublishTime);
            writer.WriteInteger("length", message.Length);
            writer.EndRecord();
        }
        writer.EndList();
        writer.EndRecord();
    }

    public static ScheduledPageFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var count = reader.BeginList("messages");
        var messages = new List<ScheduledEntry>();
        for (var i = 0; i < count; i++)
        {
            reader.BeginRecord();
            messages.Add(new(
                reader.ReadInteger("offset"),
                reader.ReadInteger("deliver_at"),
                reader.ReadString("key"),
                reader.ReadInteger("publish_time"),
                HeaderFields.ReadInt32(ref reader, "length")));
            reader.EndRecord();
        }
        reader.EndList();
        reader.EndRecord();
        return new(messages);
    }
}

/// <summary>A message that waits for its time, as the broker lists it.</summary>
internal readonly record struct ScheduledEntry(long Offset, long DeliverAt, string? Key, long PublishTime, int Length);
