using System.Diagnostics.CodeAnalysis;
using Comet.Server.Broker;
using Comet.Server.DeadLetters;
using Comet.Server.Storage;
using Comet.Server.Storage.Memory;
using Microsoft.Extensions.Logging;

namespace Comet.Server.Topics;

/// <summary>The topics of a broker. Changes are rare and take a lock; what is on the way of a message does not come here.</summary>
internal sealed class TopicRegistry(CometServerOptions options, TimeProvider time, ILogger logger) : IDisposable
{
    // One node that owns everything. Its epoch differs from that of every earlier process, whose offsets meant other messages: a client
    // that reconnects must not ack with them.
    private readonly FencingToken _fence = new(UnixMicroseconds.Now(time));

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, Topic> _topics = new(StringComparer.Ordinal);
    private readonly MemoryBudget _budget = new(options.MemoryLimit);
    private DeadLetterOffice? _deadLetters;
    private bool _isTrimming;

    /// <summary>Creates a topic.</summary>
    /// <exception cref="CometException">A name or number is wrong, it exists, or there are too many.</exception>
    public Topic Create(string name, int partitionCount, bool ifNotExists)
    {
        Names.Require(name, "topic");
        if (partitionCount < 1 || partitionCount > options.MaxPartitions)
            throw new CometException(ErrorCode.InvalidArgument,
                $"A topic has 1 to {options.MaxPartitions} partitions, not {partitionCount}.");
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
            var topic = new Topic(name, [.. Enumerable.Range(0, partitionCount).Select(i => Open(name, i))]);
            _topics.Add(name, topic);
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
            ? Create(name, options.DefaultPartitionCount, ifNotExists: true)
            : throw new CometException(ErrorCode.TopicNotFound, $"There is no topic '{name}'. Create it first: comet topic create {name}.");
    }

    /// <summary>Finds a topic that the broker itself needs, or creates it.</summary>
    /// <exception cref="CometException">What <see cref="Create"/> throws.</exception>
    public Topic GetOrCreate(string name) => TryGet(name, out var topic) ? topic : Create(name, 1, ifNotExists: true);

    public void Delete(string name)
    {
        Topic? topic;
        lock (_gate)
        {
            if (!_topics.Remove(name, out topic))
                throw new CometException(ErrorCode.TopicNotFound, $"There is no topic '{name}'.");
        }
        foreach (var partition in topic.Partitions)
            partition.Post(new(CommandKind.Delete));
    }

    public IReadOnlyList<TopicSummary> List(string? prefix)
    {
        lock (_gate)
        {
            return [.. _topics.Values
                .Where(t => string.IsNullOrEmpty(prefix) || t.Name.StartsWith(prefix, StringComparison.Ordinal))
                .Select(static t => new TopicSummary(t.Name, t.Partitions.Count))];
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

    private PartitionActor Open(string topic, int number)
    {
        var settings = new PartitionSettings
        {
            MaxRememberedProducers = options.MaxRememberedProducers,
            MaxOutstandingMessages = options.MaxOutstandingMessages,
            DeadLetters = _deadLetters ??= new DeadLetterOffice(this),
            RoomWanted = TrimAll,
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
