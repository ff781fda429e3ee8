namespace Comet.Wire;

/// <summary>How a subscription treats what it delivers. The consumer that attaches last says so for all.</summary>
/// <param name="IsEphemeral">Of a subscription that is not durable: whether it has a name, consumers and acks as a durable one has, and
/// goes with its last consumer. Otherwise it is a reader.</param>
/// <param name="LeaseMilliseconds">How long a delivery is its consumer's; 0 for what the type says.</param>
/// <param name="BackoffMilliseconds">How long a message waits that was given back for the first time.</param>
/// <param name="MaxBackoffMilliseconds">How long it waits at the most.</param>
/// <param name="BackoffPermille">By what the wait grows each time, in thousandths.</param>
/// <param name="MaxDeliveries">A message that was delivered so often and is given back is a dead letter; 0 for never.</param>
/// <param name="DeadLetterTopic">Where dead letters go; null for the topic that is called after topic and subscription.</param>
internal readonly record struct SubscriptionTerms(
    bool IsEphemeral,
    long LeaseMilliseconds,
    long BackoffMilliseconds,
    long MaxBackoffMilliseconds,
    int BackoffPermille,
    int MaxDeliveries,
    string? DeadLetterTopic)
{
    /// <summary>How many fields <see cref="WriteFields"/> writes.</summary>
    public const int FieldCount = 7;

    public void WriteFields<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.WriteBoolean("ephemeral", IsEphemeral);
        writer.WriteInteger("lease_ms", LeaseMilliseconds);
        writer.WriteInteger("backoff_ms", BackoffMilliseconds);
        writer.WriteInteger("max_backoff_ms", MaxBackoffMilliseconds);
        writer.WriteInteger("backoff_permille", BackoffPermille);
        writer.WriteInteger("max_deliveries", MaxDeliveries);
        writer.WriteString("dead_letter_topic", DeadLetterTopic);
    }

    public static SubscriptionTerms ReadFields<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct => new(
        reader.ReadBoolean("ephemeral"),
        reader.ReadInteger("lease_ms"),
        reader.ReadInteger("backoff_ms"),
        reader.ReadInteger("max_backoff_ms"),
        HeaderFields.ReadInt32(ref reader, "backoff_permille"),
        HeaderFields.ReadInt32(ref reader, "max_deliveries"),
        reader.ReadString("dead_letter_topic"));
}
