using System.Diagnostics.CodeAnalysis;
using Comet.Server.Broker;
using Comet.Server.DeadLetters;
using Comet.Server.Diagnostics;
using Comet.Server.Storage;
using Comet.Server.Storage.Memory;
using Comet.Wire;
using Microsoft.Extensions.Logging;

namespace Comet.Server.Topics;

/// <summary>The topics of a broker. Changes are rare and take a lock; what is on the way of a message does not come here.</summary>
internal sealed class TopicRegistry(CometServerOptions options, TimeProvider time, ILogger logger) : IDisposable
{
    // One node that owns everything. Its epoch differs from that of every earlier process, whose offsets meant other messages: a client
    // that reconnects must not ack with them.
    private readonly FencingToken _fence = new(UnixMicroseconds.Now(time));

    private readonly Lock _gate = new();
    private readonly Lock _changing = new();
    private readonly SortedDictionary<string, Topic> _topics = new(StringComparer.Ordinal);
    // A page begins anywhere in the order of names, which the dictionary cannot.
    private readonly SortedSet<string> _names = new(StringComparer.Ordinal);
    private readonly MemoryBudget _budget = new(options.MemoryLimit);
    private readonly ScheduleBudget _schedules = new(options.MaxScheduledMessages);
    private DeadLetterOffice? _deadLetters;
    private bool _isTrimming;

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
                        $"The topic '{name}' exists already, with {existing.Partitions.Count} partition(s).");
            }
            if (_topics.Count >= options.MaxTopics)
                throw new CometException(ErrorCode.LimitExceeded,
                    $"The broker has {_topics.Count} topics, which is its limit ({nameof(options.MaxTopics)}).");
            var topic = new Topic(name, [.. Enumerable.Range(0, partitionCount).Select(i => Open(name, i, policy))], policy);
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
        return createIfMissing && options.CreateTopicsOnFirstUse
            ? Create(name, options.DefaultPartitionCount, TopicPolicy.Default, ifNotExists: true)
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
            }
            foreach (var partition in before.Partitions)
                partition.Post(new(CommandKind.ChangePolicy) { Detail = after.Policy });
            if (after.Partitions.Count > before.Partitions.Count)
                StartPartitions(after, before.Partitions.Count, peer, correlationId);
            else
                peer.Confirm(correlationId);
        }
    }

    public void Delete(string name)
    {
        Topic? topic;
        lock (_gate)
        {
            if (!_topics.Remove(name, out topic))
                throw NotFound(name);
            _names.Remove(name);
        }
        Watchers.Remove(name);
        foreach (var partition in topic.Partitions)
            partition.Post(new(CommandKind.Delete));
    }

    /// <summary>One page of the topics whose names begin with a prefix.</summary>
    public TopicListFrame List(in ListTopicsFrame request)
    {
        var (prefix, after) = (request.Prefix ?? "", request.After ?? "");
        var first = string.CompareOrdinal(after, prefix) > 0 ? after : prefix;
        var most = request.Limit <= 0 ? int.MaxValue : Math.Min(request.Limit, ListTopicsFrame.MaxLimit);
        var page = new List<TopicSummary>();
        lock (_gate)
        {
            if (_names.Max is not { } last || string.CompareOrdinal(first, last) > 0)
                return new(page);
            foreach (var name in _names.GetViewBetween(first, last))
            {
                if (!name.StartsWith(prefix, StringComparison.Ordinal))
                    break;
                if (string.Equals(name, after, StringComparison.Ordinal))
                    continue;
                if (page.Count == most)
                    return new(page, HasMore: true);
                page.Add(new(name, _topics[name].Partitions.Count));
            }
        }
        return new(page);
    }

    /// <summary>How many messages have gone through each topic.</summary>
    public IReadOnlyList<TopicCounters> ReadCounters()
    {
        lock (_gate)
            return [.. _topics.Values.Select(static t => new TopicCounters(t.Name, [.. t.Partitions.Select(static p => p.Counters)]))];
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

    private static void CheckPolicy(TopicPolicy policy)
    {
        policy.Validated();
        if (policy.DefaultDurability > Durability.Memory)
            throw new CometException(ErrorCode.Unsupported,
                $"This broker keeps messages in memory; it cannot promise {policy.DefaultDurability}.");
    }

    private void CheckPartitionCount(int count)
    {
        if (count < 1 || count > options.MaxPartitions)
            throw new CometException(ErrorCode.InvalidArgument, $"A topic has 1 to {options.MaxPartitions} partitions, not {count}.");
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
        var added = Enumerable.Range(before.Partitions.Count, count - before.Partitions.Count);
        return new Topic(before.Name, [.. before.Partitions, .. added.Select(i => Open(before.Name, i, policy))], policy);
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
                peer.Confirm(correlationId);
            }),
        });

    private PartitionActor Open(string topic, int number, TopicPolicy policy)
    {
        var settings = new PartitionSettings
        {
            MaxRememberedProducers = options.MaxRememberedProducers,
            MaxOutstandingMessages = options.MaxOutstandingMessages,
            Policy = policy,
            ProducerMemoryTtl = (long)options.ProducerMemoryTtl.TotalMicroseconds,
            ScheduleBudget = _schedules,
            DeadLetters = _deadLetters ??= new DeadLetterOffice(this),
            RoomWanted = TrimAll,
            StallFound = StallFound,
            PlantedBug = options.PlantedBug,
        };
        var log = new MemoryPartitionLog(_budget, options.PartitionMemoryLimit);
        return new PartitionActor(new Partition(topic, number, log, _fence, settings), time, logger);
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
