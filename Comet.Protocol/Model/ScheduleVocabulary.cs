namespace Comet;

/// <summary>What became of cancelling a scheduled message. Broker and delivery decide in one place: exactly one of them wins.</summary>
public enum CancelResult
{
    /// <summary>It is cancelled, by this call or an earlier one, and is never delivered.</summary>
    Cancelled = 0,

    /// <summary>Its time had come: it was given to the subscriptions and is delivered, or was.</summary>
    AlreadyDelivered = 1,

    /// <summary>There is no such message, it was never scheduled, or it was delivered and dropped since.</summary>
    NotFound = 2,
}

/// <summary>What became of moving a scheduled message to another time.</summary>
public enum RescheduleResult
{
    /// <summary>It is due at the new time.</summary>
    Rescheduled = 0,

    /// <summary>Its time had come: it was given to the subscriptions and is delivered, or was.</summary>
    AlreadyDelivered = 1,

    /// <summary>There is no such message, it was never scheduled, it is cancelled, or it was delivered and dropped since.</summary>
    NotFound = 2,
}

/// <summary>A message that waits for its time.</summary>
/// <param name="Id">Where it is stored.</param>
/// <param name="DeliverAt">When it is due now.</param>
/// <param name="Key">Its key; null when it has none.</param>
/// <param name="PublishTime">When its producer took it, by the producer's clock.</param>
/// <param name="PayloadLength">How long its payload is, in bytes.</param>
public sealed record ScheduledMessageDescription(
    MessageId Id, DateTimeOffset DeliverAt, string? Key, DateTimeOffset PublishTime, int PayloadLength);
