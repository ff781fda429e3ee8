namespace Comet.Crash.Tests.Checkers;

/// <summary>Which promise was broken.</summary>
internal enum BreachKind
{
    /// <summary>A confirmed message is not in the log, or not where its confirm says.</summary>
    Lost,

    /// <summary>A payload is not the one that was sent.</summary>
    Changed,

    /// <summary>A message that nobody sent.</summary>
    Invented,

    /// <summary>One message is stored at two places.</summary>
    StoredTwice,

    /// <summary>Messages of one producer are stored, or come for the first time, in another order than they were sent.</summary>
    OutOfOrder,

    /// <summary>A message came when its ack had been confirmed.</summary>
    AckedAndBack,

    /// <summary>A confirmed message did not come to a subscription, or what was not acked did not come again.</summary>
    NotDelivered,

    /// <summary>A message that was sent after the storage had failed was confirmed.</summary>
    ConfirmedAfterError,

    /// <summary>A producer or consumer was refused that had to go on.</summary>
    Refused,
}

/// <summary>A broken promise.</summary>
internal sealed record Breach(BreachKind Kind, string Sentence)
{
    public override string ToString() => $"{Kind}: {Sentence}";
}
