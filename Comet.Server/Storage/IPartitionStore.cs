using Comet.Server.Broker;

namespace Comet.Server.Storage;

/// <summary>What of a partition outlives the process, beside its messages. Called by the partition's owner only.</summary>
internal interface IPartitionStore
{
    /// <summary>How long what nobody waits for may wait to be saved, in microseconds.</summary>
    long Patience { get; }

    /// <summary>Where goes what waits for its time and is too much for memory; null where there is none.</summary>
    IDelayFiles? DelayFiles { get; }

    /// <summary>Reads what was saved last.</summary>
    PartitionState Load();

    /// <summary>Saves changes, all of them or none. Does not wait for it.</summary>
    /// <param name="changes">The changes; not touched any more afterwards.</param>
    /// <param name="saved">Called when they are durable, with null, or with what went wrong; from any thread, or within the call.</param>
    void Save(PartitionChanges changes, Action<Exception?> saved);

    /// <summary>Saves a point to recover from, behind all changes that were given before. Does not wait for it.</summary>
    /// <param name="point">The point; not touched any more afterwards.</param>
    /// <param name="saved">As for changes.</param>
    void Save(RecoveryPoint point, Action<Exception?> saved);
}

/// <summary>What a partition keeps beside its messages.</summary>
internal sealed record PartitionState(
    IReadOnlyList<SubscriptionState> Subscriptions, IReadOnlyDictionary<long, MovedDue> Moved, IReadOnlyList<long> Cancelled)
{
    /// <summary>The point to recover from; null when there is none.</summary>
    public RecoveryPoint? Point { get; init; }

    /// <summary>Whether it has something about messages that a log does not have which ends there.</summary>
    public bool IsBeyond(long endOffset) => Moved.Keys.Any(offset => offset >= endOffset) || Cancelled.Any(offset => offset >= endOffset)
        || Subscriptions.Any(subscription => SubscriptionRestore.IsBeyond(subscription, endOffset));

    public static PartitionState Empty { get; } = new([], new Dictionary<long, MovedDue>(), []);
}

/// <summary>A durable subscription in one partition.</summary>
internal sealed record SubscriptionState(string Name, SubscriptionType Type, SubscriptionSettings Settings, CursorState Cursor)
{
    /// <summary>How many messages the time to live has acked.</summary>
    public long Expired { get; init; }

    /// <summary>How many messages the backlog quota has acked.</summary>
    public long Dropped { get; init; }

    /// <summary>The messages that were given back, or given up, and how often they were delivered.</summary>
    public IReadOnlyList<StateRun> Again { get; init; } = [];
}

/// <summary>What has changed in a partition since the last save.</summary>
internal sealed class PartitionChanges
{
    /// <summary>Subscriptions that were removed, before those of <see cref="Subscriptions"/> were made.</summary>
    public List<string> Removed { get; } = [];

    /// <summary>Subscriptions as they are now.</summary>
    public List<SubscriptionState> Subscriptions { get; } = [];

    /// <summary>Scheduled messages that were moved to another time, or (null) cancelled.</summary>
    public List<(long Offset, MovedDue? Moved)> Schedules { get; } = [];

    /// <summary>Where the log ends, when something was saved about messages behind that: a crash has lost them, and others will have their
    /// offsets.</summary>
    public long? CutTo { get; set; }

    /// <summary>When the partition has something to do by itself; <see cref="long.MaxValue"/> for never.</summary>
    public long NextDue { get; set; } = long.MaxValue;

    public bool IsEmpty => Removed.Count == 0 && Subscriptions.Count == 0 && Schedules.Count == 0 && CutTo is null;
}
