namespace Comet;

/// <summary>Why the next message of a subscription has not been delivered. Numbers are stable: they are on the wire.</summary>
public enum WaitReason
{
    /// <summary>Nothing holds it: it is delivered at this moment.</summary>
    None = 0,

    /// <summary>Everything that was published is acked.</summary>
    NothingToDeliver = 1,

    /// <summary>The subscription has no consumer.</summary>
    NoConsumer = 2,

    /// <summary>No consumer asks for more: what they were sent waits in their programs.</summary>
    NoPermits = 3,

    /// <summary>A consumer asks for more, but its connection does not take what is sent to it.</summary>
    ConsumerNotReading = 4,

    /// <summary>It is scheduled for a later time.</summary>
    DelayedUntil = 5,

    /// <summary>It is with a consumer, which has not acked it.</summary>
    LeasedBy = 6,

    /// <summary>An earlier message of its key is with another consumer.</summary>
    KeyHeldBy = 7,

    /// <summary>It was given back for a time that is not over.</summary>
    BackOffUntil = 8,

    /// <summary>As much is delivered and not acked as the subscription may have.</summary>
    MaxOutstanding = 9,

    /// <summary>Everything is acked, and nothing new comes: the topic refuses its producers, because it is full.</summary>
    QuotaRefusesProducers = 10,

    /// <summary>The partition is offline, because its storage failed.</summary>
    StorageFailed = 11,

    /// <summary>It was delivered too often, and is on its way to the dead-letter topic.</summary>
    DeadLetterWaiting = 12,

    /// <summary>It is stored and not yet durable.</summary>
    NotYetDurable = 13,
}
