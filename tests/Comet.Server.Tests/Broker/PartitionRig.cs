using Comet.Server.Broker;
using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>A partition over a scripted log, driven directly: each call is one command and what follows from it.</summary>
internal sealed class PartitionRig : IDisposable
{
    private readonly List<Consumer> _consumers = [];
    private ulong _lastCorrelationId;
    private long _lastId;

    /// <param name="settings">Those of the partition.</param>
    /// <param name="memoryLimit">What its log may take.</param>
    /// <param name="log">The log of a rig that was dropped, as if its process had been killed.</param>
    public PartitionRig(PartitionSettings? settings = null, long memoryLimit = long.MaxValue, ScriptedLog? log = null)
    {
        Log = log ?? new ScriptedLog(memoryLimit);
        Partition = new Partition("t", 0, Log, new FencingToken(1), (settings ?? new()) with { StallFound = Stalls.Add })
        {
            Inbox = Inbox.Enqueue,
        };
    }

    public ScriptedLog Log { get; }

    /// <summary>What the watchdog has found.</summary>
    public List<Stall> Stalls { get; } = [];

    /// <summary>Whether every command is followed by a heartbeat of every consumer, which must find no stall: so each test of the core is
    /// one of its dispatching too.</summary>
    public bool BeatsAfterEachCommand { get; init; } = true;

    public Partition Partition { get; }

    /// <summary>What was answered to the partition and not taken in yet.</summary>
    public Queue<PartitionCommand> Inbox { get; } = new();

    /// <summary>Microseconds.</summary>
    public long Now { get; set; } = 1_000_000;

    /// <summary>Whether each command is followed by a commit, as the partition's owner does it.</summary>
    public bool Commits { get; set; } = true;

    public Producer Attach(string name, ProducerAccessMode mode = ProducerAccessMode.Shared)
    {
        var producer = new Producer(new FakePeer(), ++_lastId, name, mode, null);
        Do(new(CommandKind.AttachProducer) { Producer = producer });
        return producer;
    }

    public Consumer Subscribe(string name, string subscription = "s", SubscriptionType type = SubscriptionType.Shared,
        SubscriptionKind kind = SubscriptionKind.Durable, StartPosition? start = null, FakePeer? peer = null, int priority = 0,
        SubscriptionSettings? settings = null)
    {
        var consumer = new Consumer(peer ?? new FakePeer(), ++_lastId, name, null) { Priority = priority };
        var request = new AttachRequest(subscription, type, kind, start ?? StartPosition.Earliest)
        {
            Settings = settings ?? new SubscriptionSettings(),
        };
        _consumers.Add(consumer);
        Do(new(CommandKind.AttachConsumer) { Consumer = consumer, Detail = request });
        return consumer;
    }

    public void Publish(Producer producer, byte[] batch) => Do(new(CommandKind.Publish)
    {
        Producer = producer, Batch = batch, Header = RecordBatch.Open(batch),
    });

    /// <summary>Publishes messages of a producer of their own.</summary>
    public void Fill(params int[] batches)
    {
        var producer = Attach("filler");
        var sequence = ((FakePeer)producer.Peer).Single<ProducerReadyFrame>().LastSequenceId + 1;
        foreach (var count in batches)
        {
            Publish(producer, Batches.Make("filler", sequence, count));
            sequence += count;
        }
    }

    public void Permit(Consumer consumer, long messages, long bytes = 1 << 30) =>
        Do(new(CommandKind.Permits) { Consumer = consumer, Number = messages, Bytes = bytes });

    public void Ack(Consumer consumer, long first, long last, bool cumulative = false) =>
        Do(new(CommandKind.Ack) { Consumer = consumer, Cumulative = cumulative, Ranges = [first, last] });

    public void Nack(Consumer consumer, long first, long last, long delay = 0, string? reason = null, int count = 0) => Do(
        new(CommandKind.Nack) { Consumer = consumer, Number = delay, Ranges = [first, last], DeliveryCount = count, Detail = reason });

    public void Extend(Consumer consumer, long first, long last, int count = 0) =>
        Do(new(CommandKind.ExtendLease) { Consumer = consumer, Ranges = [first, last], DeliveryCount = count });

    public void GiveUp(Consumer consumer, long first, long last, string? reason = null, int count = 0) =>
        Do(new(CommandKind.GiveUp) { Consumer = consumer, Ranges = [first, last], DeliveryCount = count, Detail = reason });

    public void Detach(Consumer consumer) => Do(new(CommandKind.DetachConsumer) { Consumer = consumer });

    public void Detach(Producer producer) => Do(new(CommandKind.DetachProducer) { Producer = producer });

    public void Change(TopicPolicy policy) => Do(new(CommandKind.ChangePolicy) { Detail = policy.Validated() });

    /// <summary>Moves a subscription; returns the peer that asked.</summary>
    public FakePeer Seek(string subscription, StartPosition position)
    {
        var peer = new FakePeer();
        Do(new(CommandKind.Seek) { Detail = new SeekRequest(peer, subscription, position) });
        return peer;
    }

    public void Unsubscribe(string subscription) =>
        Do(new(CommandKind.Unsubscribe) { Detail = new SubscriptionRequest(new FakePeer(), subscription) });

    public SubscriptionDescription Describe(string subscription)
    {
        var peer = new FakePeer();
        Do(new(CommandKind.Describe) { Detail = new DescriptionCollector(peer, 1, "t", TopicPolicy.Default, 1) });
        return peer.Single<TopicInfoFrame>().Topic.Subscriptions.Single(s => s.Name == subscription);
    }

    public void Wake() => Do(new(CommandKind.Wake));

    public void Do(PartitionCommand command)
    {
        Partition.Handle(command with { CorrelationId = ++_lastCorrelationId }, Now);
        if (Commits && Partition.NeedsCommit)
            Assert.True(Partition.CommitAsync(CancellationToken.None).AsTask().IsCompletedSuccessfully);
        Partition.Advance(Now);
        if (!BeatsAfterEachCommand)
            return;
        Beat();
        Assert.Empty(Stalls);
    }

    /// <summary>A heartbeat of every consumer, of which only the watchdog takes notice; what it finds is not repaired.</summary>
    public void Beat()
    {
        _consumers.RemoveAll(static c => c.Subscription is null);
        foreach (var consumer in _consumers)
        {
            var peer = (FakePeer)consumer.Peer;
            peer.IsDeaf = true;
            Partition.Handle(new(CommandKind.ReportProgress) { Consumer = consumer }, Now);
            peer.IsDeaf = false;
        }
    }

    /// <summary>Why the next message of a subscription waits.</summary>
    public PartitionExplanation Explain(string subscription = "s")
    {
        var peer = new FakePeer();
        Partition.Handle(new(CommandKind.Explain) { Detail = new ExplanationCollector(peer, 1, "t", subscription, 1) }, Now);
        return Assert.Single(peer.Single<SubscriptionExplainedFrame>().Explanation.Partitions);
    }

    /// <summary>What was delivered to a consumer since the last call: offset and delivery count of each message.</summary>
    public static List<(long Offset, int Count)> TakeDelivered(Consumer consumer)
    {
        var peer = (FakePeer)consumer.Peer;
        var delivered = new List<(long, int)>();
        foreach (var (frame, _, payload) in peer.Sent)
        {
            if (frame is DeliverFrame deliver && deliver.ConsumerId == consumer.Id)
                delivered.AddRange(Batches.Read(payload).Select(m => (m.Offset, deliver.DeliveryCount)));
        }
        peer.Sent.Clear();
        return delivered;
    }

    public void Dispose() => Partition.Dispose();
}
