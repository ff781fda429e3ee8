namespace Comet.Wire;

/// <summary>What became of a request about scheduled messages.</summary>
/// <remarks>Header: <c>outcome | count</c>. Outcome: 0 done, 1 delivered already, 2 not found. Count: how many messages it was done to, or
/// how many there are.</remarks>
internal readonly record struct ScheduleResultFrame(ScheduleOutcome Outcome, long Count) : IFrame<ScheduleResultFrame>
{
    public static FrameType Type => FrameType.ScheduleResult;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(2);
        writer.WriteInteger("outcome", (long)Outcome);
        writer.WriteInteger("count", Count);
        writer.EndRecord();
    }

    public static ScheduleResultFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new ScheduleResultFrame(
            HeaderFields.ReadEnum<ScheduleOutcome, TReader>(ref reader, "outcome"),
            reader.ReadInteger("count"));
        reader.EndRecord();
        return frame;
    }
}

internal enum ScheduleOutcome
{
    Done = 0,
    AlreadyDelivered = 1,
    NotFound = 2,
}
