namespace Comet.Wire;

/// <summary>Tells a consumer of a failover subscription whether it is the active one. What one that ceases to be held comes again at the
/// next.</summary>
/// <remarks>Header: <c>consumer | active</c>.</remarks>
internal readonly record struct ConsumerActivityFrame(long ConsumerId, bool IsActive) : IFrame<ConsumerActivityFrame>
{
    public static FrameType Type => FrameType.ConsumerActivity;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(2);
        writer.WriteInteger("consumer", ConsumerId);
        writer.WriteBoolean("active", IsActive);
        writer.EndRecord();
    }

    public static ConsumerActivityFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new ConsumerActivityFrame(
            reader.ReadInteger("consumer"),
            reader.ReadBoolean("active"));
        reader.EndRecord();
        return frame;
    }
}
