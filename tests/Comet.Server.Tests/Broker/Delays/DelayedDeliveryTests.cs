using Comet.Server.Broker;
using CsCheck;

namespace Comet.Server.Tests.Broker;

public sealed class DelayedDeliveryTests
{
    private const long Second = 1_000_000;

    // The numbers of SubscriptionKind, which is internal: durable, ephemeral, reader.
    public static TheoryData<SubscriptionType, int> Kinds => new()
    {
        { SubscriptionType.Exclusive, 0 }, { SubscriptionType.Shared, 0 }, { SubscriptionType.Failover, 0 },
        { SubscriptionType.KeyShared, 0 }, { SubscriptionType.Shared, 1 }, { SubscriptionType.Exclusive, 2 },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_message_is_delivered_when_it_is_due_and_not_a_microsecond_before(SubscriptionType type, int kind)
    {
        using var rig = new DelayRig();
        var consumer = Subscribe(rig, type, kind);
        rig.Publish(10 * Second, 0, 5 * Second);
        Assert.Equal([(1, 1)], PartitionRig.TakeDelivered(consumer));
        rig.Pass((5 * Second) - 1);
        Assert.Empty(PartitionRig.TakeDelivered(consumer));
        rig.Pass(1);
        Assert.Equal([(2, 1)], PartitionRig.TakeDelivered(consumer));
        rig.Pass(5 * Second);
        Assert.Equal([(0, 1)], PartitionRig.TakeDelivered(consumer));
        Assert.Equal(long.MaxValue, rig.Rig.Partition.Delays.NextDue);
    }

    /// <summary>There may be millions, in files.</summary>
    [Theory]
    [InlineData(SubscriptionType.Shared)]
    [InlineData(SubscriptionType.KeyShared)]
    public void What_waits_is_passed_over_without_reading_it(SubscriptionType type)
    {
        using var rig = new DelayRig();
        for (var i = 0; i < 200; i++)
            rig.Publish(10 * Second, 20 * Second);
        rig.Publish(0);
        var reads = rig.Rig.Log.Reads;
        var consumer = Subscribe(rig, type, 0);
        Assert.Equal([(400, 1)], PartitionRig.TakeDelivered(consumer));
        Assert.InRange(rig.Rig.Log.Reads - reads, 1, 30);
    }

    // On a key-shared subscription what is due takes its place among what waits for its key, in the order of offsets.
    [Theory]
    [InlineData(SubscriptionType.Exclusive, 0)]
    [InlineData(SubscriptionType.Shared, 0)]
    [InlineData(SubscriptionType.Failover, 0)]
    [InlineData(SubscriptionType.Exclusive, 2)]
    public void What_is_due_comes_in_the_order_of_due_time_and_then_of_offset(SubscriptionType type, int kind)
    {
        using var rig = new DelayRig();
        var consumer = Subscribe(rig, type, kind);
        rig.Publish(3 * Second, Second, 2 * Second, Second, 3 * Second);
        rig.Pass(4 * Second);
        Assert.Equal([1, 3, 2, 0, 4], PartitionRig.TakeDelivered(consumer).Select(static d => d.Offset));
    }

    [Fact]
    public void A_time_in_the_past_means_now()
    {
        using var rig = new DelayRig();
        var consumer = Subscribe(rig);
        rig.Publish(-5 * Second, -1, 0);
        Assert.Equal([0, 1, 2], PartitionRig.TakeDelivered(consumer).Select(static d => d.Offset));
        Assert.Equal(0, rig.Count());
    }

    [Fact]
    public void A_message_is_due_though_others_are_published_all_the_time()
    {
        using var rig = new DelayRig();
        var consumer = Subscribe(rig);
        rig.Publish(Second);
        for (var i = 0; i < 1_500; i++)
        {
            rig.Rig.Now += Second / 1_000;
            rig.Publish(-1);
            var delivered = PartitionRig.TakeDelivered(consumer).Select(static d => d.Offset);
            Assert.Equal(i == 999 ? [0, i + 1] : [i + 1], delivered);
        }
    }

    [Fact]
    public void Who_comes_after_the_due_time_gets_it_then_in_the_order_of_due_times()
    {
        using var rig = new DelayRig();
        rig.Rig.Detach(Subscribe(rig));
        rig.Publish(3 * Second, Second, 2 * Second);
        rig.Pass(10 * Second);
        Assert.Equal([1, 2, 0], PartitionRig.TakeDelivered(Subscribe(rig)).Select(static d => d.Offset));
    }

    [Fact]
    public void A_subscription_made_before_the_due_time_gets_what_waits_and_one_made_later_gets_it_as_well()
    {
        using var rig = new DelayRig();
        rig.Publish(Second, 0, 2 * Second);
        var before = Subscribe(rig, subscription: "before");
        Assert.Equal([1], PartitionRig.TakeDelivered(before).Select(static d => d.Offset));
        rig.Pass(Second);
        Assert.Equal([0], PartitionRig.TakeDelivered(before).Select(static d => d.Offset));
        var after = Subscribe(rig, subscription: "after");
        Assert.Equal([0, 1], PartitionRig.TakeDelivered(after).Select(static d => d.Offset));
        rig.Pass(Second);
        Assert.Equal([2], PartitionRig.TakeDelivered(after).Select(static d => d.Offset));
    }

    [Fact]
    public void A_subscription_that_begins_behind_a_message_that_waits_does_not_get_it()
    {
        using var rig = new DelayRig();
        rig.Publish(Second);
        var latest = rig.Rig.Subscribe("c", "latest", start: StartPosition.Latest);
        rig.Rig.Permit(latest, 100);
        rig.Pass(2 * Second);
        Assert.Empty(PartitionRig.TakeDelivered(latest));
    }

    [Fact]
    public void A_cumulative_ack_does_not_ack_what_still_waits()
    {
        using var rig = new DelayRig();
        var consumer = Subscribe(rig, SubscriptionType.Exclusive);
        rig.Publish(0, Second, 0, 2 * Second, 0);
        rig.Rig.Ack(consumer, 0, 4, cumulative: true);
        rig.Pass(Second);
        rig.Rig.Ack(consumer, 0, 4, cumulative: true);
        rig.Pass(Second);
        Assert.Equal([0, 2, 4, 1, 3], PartitionRig.TakeDelivered(consumer).Select(static d => d.Offset));
    }

    [Fact]
    public void A_delayed_message_that_is_given_back_comes_again_like_any_other()
    {
        using var rig = new DelayRig();
        var consumer = Subscribe(rig);
        rig.Publish(Second);
        rig.Pass(Second);
        rig.Rig.Nack(consumer, 0, 0);
        Assert.Equal([(0, 1), (0, 2)], PartitionRig.TakeDelivered(consumer));
    }

    [Fact]
    public void What_waits_holds_nothing_back_on_an_ordered_subscription()
    {
        using var rig = new DelayRig();
        var consumer = Subscribe(rig, SubscriptionType.Exclusive);
        rig.Publish(Second, 0, 0);
        rig.Publish(0, 0);
        Assert.Equal([1, 2, 3, 4], PartitionRig.TakeDelivered(consumer).Select(static d => d.Offset));
    }

    [Fact]
    public void What_waits_is_kept_when_memory_is_trimmed_though_no_subscription_needs_it()
    {
        using var rig = new DelayRig(memoryLimit: 256 * 1024);
        rig.Publish(Second);
        for (var i = 0; i < 20_000; i++)
            rig.Publish(-1, -1, -1);
        Assert.Equal(0, rig.Rig.Log.StartOffset);
        rig.Pass(Second);
        rig.Rig.Do(new(CommandKind.Trim));
        Assert.NotEqual(0, rig.Rig.Log.StartOffset);
    }

    /// <summary>Subscriptions of every kind beside each other while messages are scheduled, cancelled and moved: each gets each
    /// message once, none early, none late, none that was cancelled.</summary>
    [Fact]
    [Cases(3_000)]
    public void Each_subscription_gets_each_message_once_and_in_its_time() =>
        Gen.Select(Gen.Int[0, 9], Gen.Long[-2, 40], Gen.Int[0, 60]).List[1, 60].Sample(steps =>
        {
            using var model = new DelayedDeliveryModel();
            foreach (var (kind, delay, pick) in steps)
                model.Step(kind, delay, pick);
            model.Finish();
        }, iter: Cases.OfThisTest);

    private static Consumer Subscribe(
        DelayRig rig, SubscriptionType type = SubscriptionType.Shared, int kind = 0, string subscription = "s")
    {
        var consumer = rig.Rig.Subscribe("c", subscription, type, (SubscriptionKind)kind, settings: DelayRig.LongLease);
        rig.Rig.Permit(consumer, 10_000);
        return consumer;
    }
}
