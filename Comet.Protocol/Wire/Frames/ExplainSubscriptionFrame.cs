namespace Comet.Wire;

/// <summary>Asks why a subscription gets nothing.</summary>
/// <remarks>Header: <c>topic | subscription</c>. Answer: SubscriptionExplained.</remarks>
internal readonly record struct ExplainSubscriptionFrame(string Topic, string Subscription) : IFrame<ExplainSubscriptionFrame>
{
    public static FrameType Type => FrameType.ExplainSubscription;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(2);
        writer.WriteString("topic", Topic);
        writer.WriteString("subscription", Subscription);
        writer.EndRecord();
    }

    public static ExplainSubscriptionFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var frame = new ExplainSubscriptionFrame(
            HeaderFields.ReadRequiredString(ref reader, "topic"), HeaderFields.ReadRequiredString(ref reader, "subscription"));
        reader.EndRecord();
        return frame;
    }
}
