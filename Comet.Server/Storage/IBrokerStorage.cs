namespace Comet.Server.Storage;

/// <summary>Where a broker keeps its topics, their messages, and what partitions have to keep beside them. Thread-safe but for what belongs
/// to a partition's owner. Nothing here blocks for longer than a file takes to open.</summary>
internal interface IBrokerStorage : IDisposable
{
    /// <summary>The token of this broker's ownership: higher than that of any broker before it.</summary>
    FencingToken Fence { get; }

    /// <summary>The topics that there were when the storage was opened.</summary>
    IReadOnlyList<StoredTopic> Topics { get; }

    /// <summary>The partitions that have to be opened soon, by themselves: a crash has left them open, or time has something for them to
    /// do.</summary>
    IReadOnlyList<DuePartition> Due { get; }

    /// <summary>The level that a confirm has when one is asked for; <see cref="Durability.None"/> for the topic's.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.Unsupported"/>: the storage cannot promise it.</exception>
    Durability Resolve(Durability asked);

    /// <summary>Saves a topic that is new or has changed.</summary>
    void Save(StoredTopic topic);

    /// <summary>Forgets a topic; its partitions are deleted by their owners.</summary>
    void Remove(string topic);

    /// <summary>What a partition of a topic that was saved lives on.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="number">The partition.</param>
    /// <param name="post">Called with what the partition is to do: to let go of its files, which it has not used for longer than others
    /// (<see cref="Broker.CommandKind.Rest"/>), or to ask again for what was read (<see cref="Broker.CommandKind.Fetched"/>).</param>
    StoredPartition Open(string topic, int number, Action<Broker.CommandKind> post);

    /// <summary>Calls back when everything is durable that was saved or removed before: at once where nothing ever is, otherwise on a
    /// thread of the pool, with what went wrong or null.</summary>
    void WhenSaved(Action<Exception?> saved);
}

/// <summary>A topic, as it is stored.</summary>
internal sealed record StoredTopic(string Name, int Partitions, TopicPolicy Policy);

/// <summary>A partition that is to be opened.</summary>
/// <param name="Topic">The topic's name.</param>
/// <param name="Number">The partition's.</param>
/// <param name="WasOpen">Whether a crash has left it open: the broker is ready when it is recovered.</param>
internal readonly record struct DuePartition(string Topic, int Number, bool WasOpen);

/// <summary>What a partition lives on.</summary>
/// <param name="Log">Its messages.</param>
/// <param name="Store">What it keeps beside them; null where nothing outlives the process.</param>
/// <param name="Disk">Runs what waits for its files, on a thread that may wait; null where nothing does.</param>
internal readonly record struct StoredPartition(IPartitionLog Log, IPartitionStore? Store, Action<Action>? Disk);
