namespace Comet.Server.Broker;

/// <summary>How a subscription treats what it delivers. The consumer that attaches last says so for all.</summary>
internal sealed record SubscriptionSettings
{
    /// <summary>30 s: what holds on key-shared subscriptions when nothing is said.</summary>
    public const long DefaultKeySharedLease = 30_000_000;

    /// <summary>How long a delivery is its consumer's, in microseconds; 0 for as long as the consumer is there.</summary>
    public long Lease { get; init; }

    public RedeliveryDelay Backoff { get; init; }

    /// <summary>A message that was delivered so often and is given back goes to <see cref="DeadLetterTopic"/>; 0 for never.</summary>
    public int MaxDeliveries { get; init; }

    public string? DeadLetterTopic { get; init; }
}

/// <summary>How long a message that was given back waits when nobody has said how long: longer each time.</summary>
/// <param name="Initial">Behind the first delivery, in microseconds; 0 for not at all.</param>
/// <param name="Max">At the most, in microseconds.</param>
/// <param name="Permille">By what it grows each time, in thousandths.</param>
internal readonly record struct RedeliveryDelay(long Initial, long Max, int Permille)
{
    public long After(int deliveryCount)
    {
        var delay = (double)Initial;
        for (var i = 1; i < deliveryCount && delay < Max && Permille > 1000; i++)
            delay *= Permille / 1000.0;
        return (long)Math.Min(delay, Max);
    }
}

/// <summary>Why messages are given back, and when they may come again.</summary>
/// <param name="Now">Microseconds since the Unix epoch.</param>
/// <param name="Delay">Microseconds; <see cref="ByPolicy"/> for what the subscription says.</param>
/// <param name="Reason">In words, for the dead-letter topic.</param>
internal readonly record struct GiveBackCause(long Now, long Delay, string? Reason)
{
    public const long ByPolicy = -1;
}
