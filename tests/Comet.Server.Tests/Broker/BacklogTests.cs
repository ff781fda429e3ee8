using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>The quota on what waits for a subscription.</summary>
public sealed class BacklogTests
{
    private static readonly int s_size = Batches.Make("p", 0, 10).Length;

    [Fact]
    public void At_the_quota_producers_are_refused_until_the_backlog_is_smaller_and_the_refused_batch_can_be_sent_again()
    {
        using var rig = With(BacklogAction.RefuseProducers, 3 * s_size);
        var consumer = rig.Subscribe("c", "slow");
        rig.Permit(consumer, 1000);
        var producer = rig.Attach("p");
        var peer = (FakePeer)producer.Peer;
        peer.TakeAll();
        for (var i = 0; i < 3; i++)
            rig.Publish(producer, Batches.Make("p", i * 10, 10));
        Assert.Equal(3, peer.Take<PublishedFrame>().Count);
        rig.Publish(producer, Batches.Make("p", 30, 10));
        var refusal = peer.Single<ErrorFrame>();
        Assert.Equal(ErrorCode.BacklogQuotaExceeded, refusal.Code);
        Assert.True(refusal.Code.IsTransient());
        Assert.Contains("'slow' has", refusal.Message, StringComparison.Ordinal);
        // What came behind the refused batch is refused too, and nothing overtakes it.
        rig.Publish(producer, Batches.Make("p", 40, 10));
        Assert.Equal(ErrorCode.SequenceOutOfOrder, peer.Single<ErrorFrame>().Code);
        rig.Ack(consumer, 0, 9);
        rig.Publish(producer, Batches.Make("p", 30, 10));
        Assert.Equal(30, peer.Single<PublishedFrame>().BaseOffset);
    }

    [Fact]
    public void A_duplicate_is_confirmed_at_the_quota_too()
    {
        using var rig = With(BacklogAction.RefuseProducers, s_size);
        rig.Subscribe("c");
        var producer = rig.Attach("p");
        rig.Publish(producer, Batches.Make("p", 0, 10));
        ((FakePeer)producer.Peer).TakeAll();
        rig.Publish(producer, Batches.Make("p", 0, 10));
        Assert.True(((FakePeer)producer.Peer).Single<PublishedFrame>().Duplicate);
    }

    [Fact]
    public void With_DropOldest_the_slowest_subscriptions_lose_their_oldest_batches_and_count_them()
    {
        using var rig = With(BacklogAction.DropOldest, 3 * s_size);
        rig.Detach(rig.Subscribe("c", "slow"));
        var prompt = rig.Subscribe("c", "prompt");
        rig.Permit(prompt, 1000);
        for (var i = 0; i < 5; i++)
        {
            rig.Fill(10);
            rig.Ack(prompt, i * 10, (i * 10) + 9);
        }
        var slow = rig.Describe("slow");
        Assert.InRange(slow.BacklogBytes, 1, 3 * s_size);
        Assert.Equal(50, slow.Dropped + slow.Backlog);
        Assert.True(slow.Dropped is 20 or 30, $"{slow.Dropped} were dropped.");
        Assert.Equal((0, 0), (rig.Describe("prompt").Dropped, rig.Describe("prompt").Backlog));
        var late = rig.Subscribe("late", "slow");
        rig.Permit(late, 1000);
        Assert.Equal((slow.Dropped, 1), PartitionRig.TakeDelivered(late)[0]);
    }

    [Fact]
    public void The_newest_batch_stays_even_when_it_is_larger_than_the_quota()
    {
        using var rig = With(BacklogAction.DropOldest, 10);
        rig.Detach(rig.Subscribe("c"));
        rig.Fill(10, 10);
        Assert.Equal((10, 10), (rig.Describe("s").Dropped, rig.Describe("s").Backlog));
    }

    [Fact]
    public void Acked_messages_between_others_do_not_weigh()
    {
        using var rig = With(BacklogAction.RefuseProducers, 3 * s_size);
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 1000);
        rig.Fill(10);
        for (var i = 1; i < 30; i++)
        {
            rig.Fill(10);
            rig.Ack(consumer, i * 10, (i * 10) + 9);
        }
        Assert.Equal(300, rig.Log.EndOffset);
        Assert.InRange(rig.Describe("s").BacklogBytes, s_size / 2, 2 * s_size);
    }

    [Fact]
    public void A_change_of_the_quota_takes_effect_at_once()
    {
        using var rig = new PartitionRig();
        rig.Detach(rig.Subscribe("c"));
        rig.Fill(10, 10, 10, 10);
        rig.Change(new() { BacklogQuota = new(2 * Batches.Make("filler", 10, 10).Length, BacklogAction.DropOldest) });
        Assert.Equal((20, 20), (rig.Describe("s").Dropped, rig.Describe("s").Backlog));
    }

    private static PartitionRig With(BacklogAction action, long bytes) =>
        new(new PartitionSettings { Policy = new() { BacklogQuota = new(bytes, action) } });
}
