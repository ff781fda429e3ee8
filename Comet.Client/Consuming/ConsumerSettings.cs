using Comet.Wire;

namespace Comet.Client.Consuming;

/// <summary>The options of a consumer or reader that do not depend on what it receives.</summary>
internal sealed record ConsumerSettings(
    string Topic,
    string Subscription,
    string ConsumerName,
    SubscriptionType Type,
    bool IsDurable,
    StartPosition Start,
    int WindowMessages,
    long WindowBytes,
    bool ConfirmAcks,
    TimeSpan AckLinger,
    int MaxGatheredAcks,
    int PriorityLevel)
{
    // What a broker takes for key-shared subscriptions when nothing is said.
    private static readonly TimeSpan s_keySharedLease = TimeSpan.FromSeconds(30);

    /// <summary>Whether it goes with its last consumer. A reader goes with its only one.</summary>
    public bool IsEphemeral { get; init; }

    public bool IsReader => !IsDurable && !IsEphemeral;

    /// <summary>How long a delivery is the consumer's; zero for as long as it is attached.</summary>
    public TimeSpan Lease { get; init; }

    /// <summary>How long the leases of what the program holds are extended.</summary>
    public TimeSpan MaxLeaseExtension { get; init; }

    public RedeliveryBackoff Backoff { get; init; } = RedeliveryBackoff.None;

    public int MaxDeliveries { get; init; }

    public string? DeadLetterTopic { get; init; }

    public SubscriptionTerms Terms => new(
        IsEphemeral, (long)Lease.TotalMilliseconds, (long)Backoff.Initial.TotalMilliseconds, (long)Backoff.Max.TotalMilliseconds,
        Backoff.MultiplierPermille, MaxDeliveries, DeadLetterTopic);

    public static ConsumerSettings From<T>(string topic, string subscription, ConsumerOptions<T> options,
        Random? randomness = null) => new(
        topic, subscription, options.ConsumerName ?? RandomName.Create("consumer", randomness), options.Type, !options.IsEphemeral,
        options.StartPosition, options.WindowMessages, options.ReceiveWindowBytes, options.ConfirmAcks, options.AckLinger,
        options.MaxGatheredAcks, options.PriorityLevel)
    {
        IsEphemeral = options.IsEphemeral,
        Lease = options.LeaseDuration ?? (options.Type == SubscriptionType.KeyShared ? s_keySharedLease : TimeSpan.Zero),
        MaxLeaseExtension = options.MaxLeaseExtension,
        Backoff = options.RedeliveryBackoff,
        MaxDeliveries = options.MaxDeliveries,
        DeadLetterTopic = options.DeadLetterTopic,
    };

    public static ConsumerSettings From<T>(string topic, ReaderOptions<T> options, Random? randomness = null)
    {
        var name = RandomName.Create("reader", randomness);
        return From(topic, name, new ConsumerOptions<T>
        {
            ConsumerName = name,
            StartPosition = options.StartPosition,
            ReceiveWindowMessages = options.ReceiveWindowMessages,
            ReceiveWindowBytes = options.ReceiveWindowBytes,
        }.Validated()) with { IsDurable = false };
    }
}
