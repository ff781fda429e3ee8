namespace Comet.Crash.Tests.Load;

/// <summary>What a <see cref="Workload"/> does.</summary>
internal sealed record Traffic
{
    public required string Topic { get; init; }

    public int Partitions { get; init; } = 1;

    public int Producers { get; init; } = 1;

    /// <summary>How many messages of each producer wait for their confirm.</summary>
    public int InFlight { get; init; } = 256;

    /// <summary>How many deliveries a consumer holds before it acks them: when the server goes, they have to come again.</summary>
    public int AckTogether { get; init; } = 20;

    public TopicPolicy Policy { get; init; } = TopicPolicy.Default;

    /// <summary>How long a producer waits for a confirm; what is refused then is no broken promise, and it sends no more. Null: for longer
    /// than any server is away, and a refusal is a broken promise.</summary>
    public TimeSpan? Patience { get; init; }

    public IReadOnlyList<Listening> Subscriptions { get; init; } = [];
}

/// <summary>A subscription of a <see cref="Traffic"/>.</summary>
internal sealed record Listening(string Name, SubscriptionType Type, int Consumers = 1)
{
    public bool IsOrdered => Type is SubscriptionType.Exclusive or SubscriptionType.Failover;
}
