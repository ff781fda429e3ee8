using System.Diagnostics.CodeAnalysis;
using Comet.Server.Broker;
using Comet.Server.DeadLetters;
using Comet.Server.Diagnostics;
using Comet.Server.Storage;
using Comet.Wire;
using Microsoft.Extensions.Logging;

namespace Comet.Server.Topics;

/// <summary>The topics of a broker. Changes are rare and take a lock; what is on the way of a message does not come here.</summary>
internal sealed class TopicRegistry : IDisposable
{
    // So many partitions are recovered at the same time.
    private const int MaxRecovering = 8;

    private readonly CometServerOptions _options;
    private readonly IBrokerStorage _storage;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly Lock _changing = new();
    private readonly SortedDictionary<string, Topic> _topics = new(StringComparer.Ordinal);
    // A page begins anywhere in the order of names, which the dictionary cannot.
    private readonly SortedSet<string> _names = new(StringComparer.Ordinal);
    private readonly ScheduleBudget _schedules;
    private DeadLetterOffice? _deadLetters;
    private bool _isTrimming;

    /// <summary>Begins with the topics that the storage has.</summary>
    public TopicRegistry(CometServerOptions options, IBrokerStorage storage, TimeProvider time, ILogger logger)
    {
        (_options, _storage, _time, _logger) = (options, storage, time, logger);
        _schedules = new(options.MaxScheduledMessages);
        foreach (var topic in storage.Topics)
        {
            _topics.Add(topic.Name, new(topic.Name, Open(topic.Name, 0, topic.Partitions, topic.Policy), topic.Policy));
            _names.Add(topic.Name);
        }
    }

    /// <summary>Who has looked which topic up.</summary>
    public TopicWatchers Watchers { get; } = new();

    /// <summary>Called by a partition's owner when something that could be delivered was found waiting.</summary>
    public Action<Stall>? StallFound { get; init; }

    /// <summary>Creates a topic.</summary>
    /// <exception cref="CometException">A name, number or policy is wrong, it exists, or there are too many.</exception>
    public Topic Create(string name, int partitionCount, TopicPolicy policy, bool ifNotExists)
    {
        Names.Require(name, "topic");
        CheckPartitionCount(partitionCount);
        CheckPolicy(policy);
        lock (_gate)
        {
            if (_topics.TryGetValue(name, out var existing))
            {
                return ifNotExists
                    ? existing
                    : throw new CometException(ErrorCode.TopicAlreadyExists,
                        $"The topic '{name}' exists already, with {existing.Partitions.Count} partition(s). To change it: comet topic "
                            + $"update {name}.");
            }
            if (_topics.Count >= _options.MaxTopics)
                throw new CometException(ErrorCode.LimitExceeded,
                    $"The broker has {_topics.Count} topics, which is its limit ({nameof(_options.MaxTopics)}).");
            _storage.Save(new(name, partitionCount, policy));
            var topic = new Topic(name, Open(name, 0, partitionCount, policy), policy);
            _topics.Add(name, topic);
            _names.Add(name);
            return topic;
        }
    }

    /// <summary>Finds a topic, creating it where that is asked for and allowed.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicNotFound"/> or what <see cref="Create"/> throws.</exception>
    public Topic Get(string name, bool createIfMissing)
    {
        if (TryGet(name, out var topic))
            return topic;
        Names.Require(name, "topic");
        return createIfMissing && _options.CreateTopicsOnFirstUse
            ? Create(name, _options.DefaultPartitionCount, TopicPolicy.Default, ifNotExists: true)
            : throw new CometException(ErrorCode.TopicNotFound, $"There is no topic '{name}'. Create it first: comet topic create {name}.");
    }

    /// <summary>Finds a topic that the broker itself needs, or creates it.</summary>
    /// <exception cref="CometException">What <see cref="Create"/> throws.</exception>
    public Topic GetOrCreate(string name) => TryGet(name, out var topic)
        ? topic
        : Create(name, 1, TopicPolicy.Default, ifNotExists: true);

    /// <summary>Changes the policy of a topic, and how many partitions it has; <paramref name="peer"/> gets the answer. What comes to a
    /// partition afterwards finds the new policy.</summary>
    /// <exception cref="CometException">There is no such topic, or it cannot be changed so.</exception>
    public void Update(string name, TopicUpdate update, IPeer peer, ulong correlationId)
    {
        // One change after the other: the partitions must end with the policy that the topic ends with.
        lock (_changing)
        {
            var before = Get(name, createIfMissing: false);
            var after = Change(before, update);
            lock (_gate)
            {
                if (!_topics.TryGetValue(name, out var current) || current != before)
                    throw NotFound(name);
                _topics[name] = after;
                _storage.Save(new(name, after.Partitions.Count, after.Policy));
            }
            foreach (var partition in before.Partitions)
                partition.Post(new(CommandKind.ChangePolicy) { Detail = after.Policy });
            if (after.Partitions.Count > before.Partitions.Count)
                StartPartitions(after, before.Partitions.Count, peer, correlationId);
            else
                ConfirmWhenSaved(peer, correlationId);
        }
    }

    /// <summary>Confirms a request when the topics are stored as they are now.</summary>
    public void ConfirmWhenSaved(IPeer peer, ulong correlationId) => _storage.WhenSaved(failure =>
    {
        if (failure is null)
            peer.Confirm(correlationId);
        else
            peer.Fail(correlationId, ErrorCode.StorageFailed, $"The broker cannot save its topics: {failure.Message}");
    });

    /// <summary>The level that a producer's confirms have when it asks for one.</summary>
    /// <exception cref="CometException">The storage cannot promise it.</exception>
    public Durability Resolve(Durability asked) => _storage.Resolve(asked);

    public void Delete(string name)
    {
        Topic? topic;
        lock (_gate)
        {
            if (!_topics.Remove(name, out topic))
                throw NotFound(name);
            _storage.Remove(name);
            _names.Remove(name);
        }
        Watchers.Remove(name);
        // The files go when it is durable that they may.
        _storage.WhenSaved(failure =>
        {
            foreach (var partition in topic.Partitions)
                partition.Post(new(failure is null ? CommandKind.Delete : CommandKind.Wake));
        });
    }

    /// <summary>Opens the partitions that a crash has left open, several at a time, and has those opened that time has something for.
    /// Completes when the first are recovered.</summary>
    /// <param name="progress">Told how many are, and of how many.</param>
    public async Task RecoverAsync(Action<int, int>? progress)
    {
        var open = _storage.Due.Where(static due => due.WasOpen).ToArray();
        var done = 0;
        progress?.Invoke(0, open.Length);
        await Parallel.ForEachAsync(open, new ParallelOptions { MaxDegreeOfParallelism = MaxRecovering }, async (due, _) =>
        {
            var recovered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Wake(due, recovered.SetResult);
            await recovered.Task;
            progress?.Invoke(Interlocked.Increment(ref done), open.Length);
        });
        foreach (var due in _storage.Due)
        {
            if (!due.WasOpen)
                ThreadPool.UnsafeQueueUserWorkItem(static wake => wake.All.Wake(wake.Due), (All: this, Due: due), preferLocal: false);
        }
    }

    /// <summary>Has every partition save what there is to save, and close.</summary>
    public async Task CloseAsync()
    {
        PartitionActor[] partitions;
        lock (_gate)
            partitions = [.. _topics.Values.SelectMany(static t => t.Partitions)];
        await Parallel.ForEachAsync(partitions, async (partition, _) =>
        {
            var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            partition.Post(new(CommandKind.Shutdown) { Detail = (Action)closed.SetResult });
            await closed.Task;
        });
    }

    /// <summary>One page of the topics whose names begin with a prefix.</summary>
    public TopicListFrame List(in ListTopicsFrame request)
    {
        var (prefix, after) = (request.Prefix ?? "", request.After ?? "");
        var first = string.CompareOrdinal(after, prefix) > 0 ? after : prefix;
        var most = request.Limit <= 0 ? int.MaxValue : Math.Min(request.Limit, ListTopicsFrame.MaxLimit);
        var (page, hasMore) = (new List<Topic>(), false);
        lock (_gate)
        {
            if (_names.Max is not { } last || string.CompareOrdinal(first, last) > 0)
                return new([]);
            foreach (var name in _names.GetViewBetween(first, last))
            {
                if (!name.StartsWith(prefix, StringComparison.Ordinal))
                    break;
                if (string.Equals(name, after, StringComparison.Ordinal))
                    continue;
                hasMore = page.Count == most;
                if (hasMore)
                    break;
                page.Add(_topics[name]);
            }
        }
        return new([.. page.Select(static topic => topic.Summarize())], hasMore);
    }

    /// <summary>How many messages have gone through each topic.</summary>
    public IReadOnlyList<TopicCounters> ReadCounters()
    {
        lock (_gate)
            return [.. _topics.Values.Select(static t => new TopicCounters(
                t.Name, [.. t.Partitions.Select(static p => p.Counters)], t.Partitions.Count(static p => p.OfflineBecause is not null)))];
    }

    /// <summary>What is offline.</summary>
    public BrokerHealth ReadHealth()
    {
        lock (_gate)
        {
            var offline = _topics.Values.SelectMany(static topic => topic.Partitions).Where(static p => p.OfflineBecause is not null)
                .OrderBy(static p => p.Topic, StringComparer.Ordinal).ThenBy(static p => p.Number).ToList();
            return new(offline.Count, [.. offline.Take(BrokerHealth.MaxListed)
                .Select(static p => new OfflinePartition(p.Topic, p.Number, p.OfflineBecause!))]);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var partition in _topics.Values.SelectMany(static t => t.Partitions))
                partition.Dispose();
        }
    }

    private bool TryGet(string name, [NotNullWhen(true)] out Topic? topic)
    {
        lock (_gate)
            return _topics.TryGetValue(name, out topic);
    }

    private static CometException NotFound(string name) => new(ErrorCode.TopicNotFound, $"There is no topic '{name}'.");

    private void CheckPolicy(TopicPolicy policy)
    {
        policy.Validated();
        _storage.Resolve(policy.DefaultDurability);
    }

    private void CheckPartitionCount(int count)
    {
        if (count < 1 || count > _options.MaxPartitions)
            throw new CometException(ErrorCode.InvalidArgument, $"A topic has 1 to {_options.MaxPartitions} partitions, not {count}.");
    }

    private Topic Change(Topic before, TopicUpdate update)
    {
        var policy = update.ApplyTo(before.Policy);
        CheckPolicy(policy);
        var count = update.Partitions ?? before.Partitions.Count;
        CheckPartitionCount(count);
        if (count < before.Partitions.Count)
        {
            throw new CometException(ErrorCode.InvalidArgument,
                $"The topic '{before.Name}' has {before.Partitions.Count} partitions and cannot have {count}: partitions hold messages, so "
                    + "their number only grows.");
        }
        return new Topic(before.Name, [.. before.Partitions, .. Open(before.Name, before.Partitions.Count, count, policy)], policy);
    }

    /// <summary>Lets new partitions have the topic's durable subscriptions, from their first message on, and then tells clients of
    /// them.</summary>
    private void StartPartitions(Topic topic, int first, IPeer peer, ulong correlationId) =>
        topic.Partitions[0].Post(new(CommandKind.CopySubscriptions)
        {
            CorrelationId = correlationId,
            Detail = new CopySubscriptionsRequest(peer, subscriptions =>
            {
                foreach (var partition in topic.Partitions.Skip(first))
                {
                    foreach (var subscription in subscriptions)
                        partition.Post(new(CommandKind.CreateSubscription) { Detail = subscription });
                }
                Watchers.Tell(topic.Name, topic.Partitions.Count);
                ConfirmWhenSaved(peer, correlationId);
            }),
        });

    private void Wake(DuePartition due, Action? awake = null)
    {
        if (TryGet(due.Topic, out var topic))
            topic.Partitions[due.Number].Post(new(CommandKind.Wake) { Detail = awake });
        else
            awake?.Invoke();
    }

    private List<PartitionActor> Open(string topic, int first, int end, TopicPolicy policy) =>
        [.. Enumerable.Range(first, end - first).Select(number => Open(topic, number, policy))];

    private PartitionActor Open(string topic, int number, TopicPolicy policy)
    {
        PartitionActor? actor = null;
        var stored = _storage.Open(topic, number, kind => actor?.Post(new(kind)));
        var settings = new PartitionSettings
        {
            MaxRememberedProducers = _options.MaxRememberedProducers,
            MaxOutstandingMessages = _options.MaxOutstandingMessages,
            Policy = policy,
            Store = stored.Store,
            ProducerMemoryTtl = (long)_options.ProducerMemoryTtl.TotalMicroseconds,
            ScheduleBudget = _schedules,
            DeadLetters = _deadLetters ??= new DeadLetterOffice(this),
            RoomWanted = TrimAll,
            StallFound = StallFound,
            PlantedBug = _options.PlantedBug,
        };
        return actor = new PartitionActor(new Partition(topic, number, stored.Log, _storage.Fence, settings), _time, _logger, stored.Disk);
    }

    /// <summary>A partition is out of memory: lets every partition drop what nobody needs. Partitions that are busy do so a little
    /// later, so the one that asked may still have to refuse once.</summary>
    private void TrimAll()
    {
        PartitionActor[] partitions;
        lock (_gate)
        {
            if (_isTrimming)
                return;
            _isTrimming = true;
            partitions = [.. _topics.Values.SelectMany(static t => t.Partitions)];
        }
        foreach (var partition in partitions)
            partition.Post(new(CommandKind.Trim));
        lock (_gate)
            _isTrimming = false;
    }
}
