namespace Comet.Wire;

/// <summary>The heartbeat of a consumer: lets both sides see a stream that stands still.</summary>
/// <remarks>Header: <c>consumer | last_dispatched | permit_messages | permit_bytes | backlog</c>.</remarks>
internal readonly record struct ConsumerProgressFrame(
    long ConsumerId,
    long LastDispatchedOffset,
    long PermitMessages,
    long PermitBytes,
    long Backlog) : IFrame<ConsumerProgressFrame>
{
    public static FrameType Type => FrameType.ConsumerProgress;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(5);
        writer.WriteInteger("consumer", ConsumerId);
        writer.WriteInteger("last_dispatched", LastDispatchedOffset);
        writer.WriteInteger("permit_messages", PermitMessages);
        writer.WriteInteger("permit_bytes", PermitBytes);
        writer.WriteInteger("backlog", Backlog);
        writer.EndRecord();
    }

    public static ConsumerProgressFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new ConsumerProgressFrame(
            reader.ReadInteger("consumer"),
            reader.ReadInteger("last_dispatched"),
            reader.ReadInteger("permit_messages"),
            reader.ReadInteger("permit_bytes"),
            reader.ReadInteger("backlog"));
        reader.EndRecord();
        return frame;
    }
}
