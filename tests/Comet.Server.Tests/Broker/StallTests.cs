using Comet.Server.Broker;
using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>The broker's watchdog. That it finds nothing where nothing stands still is held by every test of the core: see
/// <see cref="PartitionRig.BeatsAfterEachCommand"/>.</summary>
public sealed class StallTests : IDisposable
{
    private readonly PartitionRig _rig = new() { BeatsAfterEachCommand = false };

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void What_waits_because_a_wake_was_lost_is_found_at_the_heartbeat_and_delivered()
    {
        var peer = new FakePeer { HasSpace = false };
        var consumer = _rig.Subscribe("c", peer: peer);
        _rig.Permit(consumer, 10);
        _rig.Fill(3);
        _rig.Beat();
        Assert.Empty(_rig.Stalls);
        peer.HasSpace = true;
        _rig.Do(new(CommandKind.ReportProgress) { Consumer = consumer });
        Assert.Equal(new Stall("t", 0, "s", 0), Assert.Single(_rig.Stalls));
        Assert.Equal([0, 1, 2], PartitionRig.TakeDelivered(consumer).Select(static d => d.Offset));
        _rig.Beat();
        Assert.Single(_rig.Stalls);
    }

    [Fact]
    public void What_is_long_due_because_a_timer_was_lost_is_found_at_the_heartbeat_and_delivered()
    {
        var consumer = _rig.Subscribe("c");
        _rig.Permit(consumer, 10);
        _rig.Fill(1);
        _rig.Nack(consumer, 0, 0, delay: 1_000);
        PartitionRig.TakeDelivered(consumer);
        _rig.Now += 2_000;
        _rig.Beat();
        Assert.Empty(_rig.Stalls);
        _rig.Now += 1_000_000;
        _rig.Do(new(CommandKind.ReportProgress) { Consumer = consumer });
        Assert.Single(_rig.Stalls);
        Assert.Equal([(0, 2)], PartitionRig.TakeDelivered(consumer));
    }

    [Fact]
    public void A_heartbeat_between_a_command_and_what_follows_from_it_finds_nothing()
    {
        var consumer = _rig.Subscribe("c");
        _rig.Fill(3);
        _rig.Partition.Handle(new(CommandKind.Permits) { Consumer = consumer, Number = 10, Bytes = 1 << 20 }, _rig.Now);
        _rig.Beat();
        Assert.Empty(_rig.Stalls);
        _rig.Partition.Advance(_rig.Now);
        Assert.Equal(3, PartitionRig.TakeDelivered(consumer).Count);
    }

    [Fact]
    public async Task A_heartbeat_between_a_flush_and_the_command_that_tells_of_it_finds_nothing()
    {
        using var log = new ScriptedLog { HoldsCommits = true };
        var stalls = new List<Stall>();
        using var partition = new Partition("t", 0, log, new FencingToken(1), new PartitionSettings { StallFound = stalls.Add });
        var peer = new FakePeer();
        var consumer = new Consumer(peer, 5, "c", null);
        partition.Handle(new(CommandKind.AttachConsumer)
        {
            Consumer = consumer, CorrelationId = 3,
            Detail = new AttachRequest("s", SubscriptionType.Shared, SubscriptionKind.Durable, StartPosition.Earliest),
        }, 1);
        partition.Handle(new(CommandKind.Permits) { Consumer = consumer, Number = 10, Bytes = 1 << 20 }, 1);
        partition.Advance(1);
        var producer = new Producer(new FakePeer(), 6, "p", ProducerAccessMode.Shared, null);
        partition.Handle(new(CommandKind.AttachProducer) { Producer = producer, CorrelationId = 4 }, 1);
        var batch = Batches.Make("p", 0, 1);
        partition.Handle(new(CommandKind.Publish)
        {
            Producer = producer, CorrelationId = 5, Batch = batch, Header = RecordBatch.Open(batch),
        }, 1);
        var commit = partition.CommitAsync(CancellationToken.None);
        partition.Advance(1);
        log.ReleaseCommit();
        await commit;
        partition.Handle(new(CommandKind.ReportProgress) { Consumer = consumer }, 1);
        Assert.Empty(stalls);
        peer.TakeAll();
        partition.Handle(new(CommandKind.Committed), 1);
        partition.Advance(1);
        Assert.Single(peer.Take<DeliverFrame>());
    }

    [Fact]
    public void One_consumers_heartbeat_is_enough_for_its_subscription()
    {
        var peer = new FakePeer { HasSpace = false };
        var (first, second) = (_rig.Subscribe("a", peer: peer), _rig.Subscribe("b", peer: peer));
        _rig.Permit(second, 10);
        _rig.Fill(1);
        peer.HasSpace = true;
        _rig.Partition.Handle(new(CommandKind.ReportProgress) { Consumer = second }, _rig.Now);
        Assert.Empty(_rig.Stalls);
        _rig.Partition.Handle(new(CommandKind.ReportProgress) { Consumer = first }, _rig.Now);
        Assert.Single(_rig.Stalls);
    }

    [Fact]
    public void Messages_are_counted_as_they_go()
    {
        var consumer = _rig.Subscribe("c");
        _rig.Permit(consumer, 100);
        _rig.Fill(3, 4);
        _rig.Nack(consumer, 0, 1);
        _rig.Ack(consumer, 0, 4);
        _rig.Ack(consumer, 0, 4);
        var counters = _rig.Partition.Counters;
        Assert.Equal((7, 9, 2, 5), (counters.Stored, counters.Delivered, counters.Redelivered, counters.Acked));
    }
}
