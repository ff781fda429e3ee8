namespace Comet.Server.Broker;

/// <summary>What becomes of a subscription and of what it has delivered.</summary>
internal enum SubscriptionKind
{
    /// <summary>It stays until it is removed; what it has not acked is kept.</summary>
    Durable,

    /// <summary>It goes with its last consumer, and keeps nothing from being dropped.</summary>
    Ephemeral,

    /// <summary>As ephemeral, of one consumer, and delivered is done.</summary>
    Reader,
}
