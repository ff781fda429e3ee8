namespace Comet;

/// <summary>What a topic keeps, for how long, and what it does when too much waits. Immutable; checked when it is set. Its limits hold
/// for each partition by itself.</summary>
/// <remarks>Set when the topic is created and changed while it is in use: a change takes effect at once. See docs/retention.md.</remarks>
public sealed record TopicPolicy
{
    /// <summary>What a topic has that is created without a policy: acked messages stay until room is wanted, unacked ones without
    /// end.</summary>
    public static TopicPolicy Default { get; } = new();

    /// <summary>How long messages are kept that every durable subscription has acked. Default:
    /// <see cref="RetentionPolicy.UntilRoomIsWanted"/>.</summary>
    public RetentionPolicy Retention { get; init; } = RetentionPolicy.UntilRoomIsWanted;

    /// <summary>A message that a durable subscription has not acked so long after it was appended, or after its due time when it was
    /// delayed, is acked on the subscription's behalf. What is in a consumer's receive window by then is still handed out. At least 1 ms.
    /// Default: <see cref="Timeout.InfiniteTimeSpan"/>, that is never.</summary>
    public TimeSpan MessageTtl { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>How much may wait for a durable subscription, and what happens beyond. Default:
    /// <see cref="BacklogQuota.Unlimited"/>.</summary>
    public BacklogQuota BacklogQuota { get; init; } = BacklogQuota.Unlimited;

    /// <summary>What a confirm has to promise to producers that ask for nothing themselves. Default: <see cref="Durability.None"/>, that
    /// is the best that the broker gives without being asked.</summary>
    public Durability DefaultDurability { get; init; }

    /// <summary>How a broker that keeps messages on disk compresses the older ones there. Changes nothing of what is delivered. Default:
    /// <see cref="StorageCompression.AsBroker"/>.</summary>
    public StorageCompression StorageCompression { get; init; }

    /// <summary>Returns the policy when all of it can be kept.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.InvalidArgument"/>: the message names the value, and what to write
    /// instead.</exception>
    internal TopicPolicy Validated()
    {
        Retention.Validate();
        BacklogQuota.Validate();
        if (MessageTtl != Timeout.InfiniteTimeSpan && (MessageTtl < PolicyChecks.ShortestTtl || MessageTtl > PolicyChecks.LongestTime))
        {
            throw PolicyChecks.Invalid($"{nameof(MessageTtl)} is {MessageTtl}; it must be from 1 ms to 36,525 days, or "
                + $"{nameof(Timeout)}.{nameof(Timeout.InfiniteTimeSpan)} for never.");
        }
        if (!Enum.IsDefined(DefaultDurability))
            throw PolicyChecks.Invalid($"{nameof(DefaultDurability)} is {(int)DefaultDurability}, which is no level of durability.");
        if (!Enum.IsDefined(StorageCompression))
            throw PolicyChecks.Invalid($"{nameof(StorageCompression)} is {(int)StorageCompression}, which is not known.");
        return this;
    }
}

/// <summary>How long messages are kept that every durable subscription has acked, or that no durable subscription is there for. They can
/// be read again by readers, by a replay, and by a subscription that seeks back.</summary>
/// <remarks>
/// A message is kept while it is within every limit that is set; the first limit that it passes lets it go. Whole batches go, oldest
/// first, and only when what is behind them satisfies the limit: at least <see cref="MaxMessages"/> messages or
/// <see cref="MaxBytes"/> bytes stay, where there are as many, and each message stays at least for <see cref="MaxAge"/>. Messages that
/// are not acked are never dropped by this, and neither count nor weigh.
/// </remarks>
public sealed record RetentionPolicy
{
    /// <summary>Acked messages stay until their memory is wanted for new ones: the default.</summary>
    public static RetentionPolicy UntilRoomIsWanted { get; } = new() { YieldsToRoom = true };

    /// <summary>Acked messages are dropped at once.</summary>
    public static RetentionPolicy None { get; } = new() { MaxMessages = 0 };

    /// <summary>Acked messages are never dropped: without room for more, producers are refused.</summary>
    public static RetentionPolicy Forever { get; } = new();

    /// <summary>How many acked messages are kept at least, where there are as many; 0: none. Null: no limit by count.</summary>
    public long? MaxMessages { get; init; }

    /// <summary>How long an acked message is kept at least, from when it was appended; zero: not at all. Null: no limit by age.</summary>
    public TimeSpan? MaxAge { get; init; }

    /// <summary>How many bytes of acked messages are kept at least, as they are stored; 0: none. Null: no limit by size.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>Whether acked messages stay only until their memory is wanted. Goes with no limit.</summary>
    public bool YieldsToRoom { get; init; }

    /// <summary>Whether no acked message is kept.</summary>
    internal bool KeepsNothing => MaxMessages == 0 || MaxAge == TimeSpan.Zero || MaxBytes == 0;

    internal void Validate()
    {
        if (MaxMessages < 0)
            throw PolicyChecks.Invalid($"{nameof(MaxMessages)} is {MaxMessages}; it must be 0 or more, or left out for no limit.");
        if (MaxBytes < 0)
            throw PolicyChecks.Invalid($"{nameof(MaxBytes)} is {MaxBytes}; it must be 0 or more, or left out for no limit.");
        if (MaxAge is { } age && (age < TimeSpan.Zero || age > PolicyChecks.LongestTime))
            throw PolicyChecks.Invalid($"{nameof(MaxAge)} is {age}; it must be from zero to 36,525 days, or left out for no limit.");
        if (YieldsToRoom && (MaxMessages ?? MaxBytes ?? MaxAge?.Ticks) is not null)
        {
            throw PolicyChecks.Invalid($"{nameof(YieldsToRoom)} goes with no limit: a limit is kept whether room is wanted or not. Set one "
                + "of the two.");
        }
        if (KeepsNothing && (MaxMessages > 0 || MaxBytes > 0 || MaxAge > TimeSpan.Zero))
        {
            throw PolicyChecks.Invalid($"The retention has a limit of 0, which keeps nothing, and another that keeps something "
                + $"({Describe()}): set all to 0 for nothing, or leave out the limit that is not meant.");
        }
    }

    private string Describe() => string.Join(", ", new[]
    {
        MaxMessages is { } messages ? $"{nameof(MaxMessages)} {messages}" : null,
        MaxAge is { } age ? $"{nameof(MaxAge)} {age}" : null,
        MaxBytes is { } bytes ? $"{nameof(MaxBytes)} {bytes}" : null,
    }.OfType<string>());
}

/// <summary>How much may wait for a durable subscription in a partition, and what happens when it does.</summary>
/// <param name="MaxBytes">The bytes, as they are stored, of what the slowest durable subscription has not acked. The batch that reaches
/// the limit is still taken.</param>
/// <param name="Action">What happens beyond.</param>
public sealed record BacklogQuota(long MaxBytes, BacklogAction Action = BacklogAction.RefuseProducers)
{
    /// <summary>No quota: the default.</summary>
    public static BacklogQuota Unlimited { get; } = new(long.MaxValue);

    internal void Validate()
    {
        if (MaxBytes < 1)
            throw PolicyChecks.Invalid($"The backlog quota is {MaxBytes} bytes; it must be 1 or more, or {nameof(Unlimited)} for none.");
        if (!Enum.IsDefined(Action))
            throw PolicyChecks.Invalid($"The backlog quota has the action {(int)Action}, which is not known.");
    }
}

/// <summary>How messages are compressed on a broker's disk, beside what their producers have compressed already.</summary>
public enum StorageCompression
{
    /// <summary>As the broker's options say.</summary>
    AsBroker = 0,

    /// <summary>Not at all.</summary>
    None = 1,

    /// <summary>With LZ4, which makes them smaller.</summary>
    Lz4 = 2,

    /// <summary>With Snappy.</summary>
    Snappy = 3,
}

/// <summary>What happens when a backlog has reached its quota.</summary>
public enum BacklogAction
{
    /// <summary>Producers are refused with <see cref="ErrorCode.BacklogQuotaExceeded"/>, which is transient, until the backlog is
    /// smaller.</summary>
    RefuseProducers = 0,

    /// <summary>The oldest messages are acked on behalf of the subscriptions that have not; they are counted in
    /// <see cref="SubscriptionDescription.Dropped"/>.</summary>
    DropOldest = 1,
}

/// <summary>What to change of a topic; what is null stays as it is.</summary>
public sealed record TopicUpdate
{
    /// <summary>How many partitions the topic shall have: at least as many as it has. Producers and consumers that run use the new ones
    /// by themselves. Messages of a key may go to another partition from then on, see docs/replay-and-seek.md.</summary>
    public int? Partitions { get; init; }

    /// <inheritdoc cref="TopicPolicy.Retention"/>
    public RetentionPolicy? Retention { get; init; }

    /// <inheritdoc cref="TopicPolicy.MessageTtl"/>
    public TimeSpan? MessageTtl { get; init; }

    /// <inheritdoc cref="TopicPolicy.BacklogQuota"/>
    public BacklogQuota? BacklogQuota { get; init; }

    /// <inheritdoc cref="TopicPolicy.DefaultDurability"/>
    public Durability? DefaultDurability { get; init; }

    /// <inheritdoc cref="TopicPolicy.StorageCompression"/>
    public StorageCompression? StorageCompression { get; init; }

    /// <summary>All of a policy, as an update.</summary>
    internal static TopicUpdate From(TopicPolicy policy) => new()
    {
        Retention = policy.Retention,
        MessageTtl = policy.MessageTtl,
        BacklogQuota = policy.BacklogQuota,
        DefaultDurability = policy.DefaultDurability,
        StorageCompression = policy.StorageCompression,
    };

    /// <summary>The policy with what this update changes.</summary>
    public TopicPolicy ApplyTo(TopicPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return policy with
        {
            Retention = Retention ?? policy.Retention,
            MessageTtl = MessageTtl ?? policy.MessageTtl,
            BacklogQuota = BacklogQuota ?? policy.BacklogQuota,
            DefaultDurability = DefaultDurability ?? policy.DefaultDurability,
            StorageCompression = StorageCompression ?? policy.StorageCompression,
        };
    }
}

internal static class PolicyChecks
{
    public static readonly TimeSpan ShortestTtl = TimeSpan.FromMilliseconds(1);

    // A hundred years: longer than anybody keeps a message, and far from overflow in microseconds.
    public static readonly TimeSpan LongestTime = TimeSpan.FromDays(36_525);

    public static CometException Invalid(string message) => new(ErrorCode.InvalidArgument, message);
}
