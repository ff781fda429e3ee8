using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>What happens when the memory is full.</summary>
public sealed class TrimTests
{
    private const int Limit = 256 * 1024;

    [Fact]
    public void Messages_that_nobody_needs_make_room_oldest_first()
    {
        using var rig = new PartitionRig(memoryLimit: Limit);
        Assert.Equal(500, Publish(rig, 500));
        Assert.InRange(rig.Log.Bytes, Limit / 4, Limit);
        Assert.Equal(500, rig.Log.EndOffset);
        Assert.True(rig.Log.StartOffset > 0);
    }

    [Fact]
    public void What_a_durable_subscription_has_not_acked_is_kept_and_publishing_is_refused_until_it_has()
    {
        using var rig = new PartitionRig(memoryLimit: Limit);
        var (slow, fast) = (rig.Subscribe("slow", "slow"), rig.Subscribe("fast", "fast"));
        rig.Permit(slow, 1 << 20);
        rig.Permit(fast, 1 << 20);
        var stored = Publish(rig, 500);
        Assert.InRange(stored, 100, 256);
        rig.Ack(fast, 0, stored - 1);
        Assert.Equal(0, Publish(rig, 1));
        Assert.Equal(stored, PartitionRig.TakeDelivered(slow).Count);
        rig.Ack(slow, 0, stored / 2);
        Assert.InRange(Publish(rig, 500), 1, stored);
        Assert.InRange(rig.Log.StartOffset, 1, (stored / 2) + 1);
    }

    [Fact]
    public void A_reader_holds_nothing_back_and_goes_on_with_what_is_kept()
    {
        using var rig = new PartitionRig(memoryLimit: Limit);
        var reader = rig.Subscribe("r", kind: SubscriptionKind.Reader);
        Assert.Equal(500, Publish(rig, 500));
        rig.Permit(reader, 1 << 20);
        var delivered = PartitionRig.TakeDelivered(reader).Select(d => d.Offset).ToList();
        Assert.Equal(rig.Log.StartOffset, delivered[0]);
        Assert.Equal(Enumerable.Range((int)delivered[0], 500 - (int)delivered[0]).Select(o => (long)o), delivered);
    }

    [Fact]
    public void Others_are_asked_for_room_before_a_publish_is_refused()
    {
        var asked = 0;
        using var rig = new PartitionRig(new PartitionSettings { RoomWanted = () => asked++ }, Limit);
        rig.Subscribe("c");
        var stored = Publish(rig, 500);
        Assert.True(stored < 500);
        Assert.Equal(500 - stored, asked);
    }

    /// <summary>Publishes messages of about a kilobyte; returns how many were stored.</summary>
    private static int Publish(PartitionRig rig, int count)
    {
        var producer = rig.Attach("p");
        var peer = (FakePeer)producer.Peer;
        var sequence = peer.Single<ProducerReadyFrame>().LastSequenceId + 1;
        for (var i = 0; i < count; i++)
            rig.Publish(producer, Batches.Make("p", sequence + (peer.Sent.Count(s => s.Frame is PublishedFrame)), 1, 1000));
        Assert.All(peer.Sent, s => Assert.True(s.Frame is PublishedFrame or ErrorFrame { Code: ErrorCode.StorageFull }));
        return peer.Take<PublishedFrame>().Count;
    }
}
