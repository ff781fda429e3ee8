using Comet.Server.Broker;

namespace Comet.Server.Tests.Broker;

/// <summary>What a topic's policy does with messages that wait for their time.</summary>
public sealed class DelayedPolicyTests
{
    private const long Second = 1_000_000;

    [Fact]
    public void Retention_never_drops_what_waits_for_its_time_even_when_nobody_is_there()
    {
        using var rig = With(new() { Retention = RetentionPolicy.None });
        var producer = rig.Attach("p");
        rig.Publish(producer, Make(0, 0, 0));
        Assert.Equal(2, rig.Log.StartOffset);
        rig.Publish(producer, Make(2, 0, rig.Now + (10 * Second)));
        rig.Publish(producer, Make(4, 0, 0));
        rig.Do(new(CommandKind.Trim));
        Assert.Equal(2, rig.Log.StartOffset);
        rig.Now += 10 * Second;
        rig.Wake();
        Assert.Equal(6, rig.Log.StartOffset);
    }

    [Fact]
    public void The_time_to_live_of_a_delayed_message_counts_from_its_due_time()
    {
        using var rig = With(new() { MessageTtl = TimeSpan.FromSeconds(10) });
        rig.Detach(rig.Subscribe("c"));
        var producer = rig.Attach("p");
        rig.Publish(producer, Make(0, 0, rig.Now + (30 * Second), 0));
        AdvanceByTimers(rig, 29 * Second);
        var waiting = rig.Describe("s");
        Assert.Equal((2, (long?)null, 0), (waiting.Expired, waiting.OldestUnackedOffset, waiting.BacklogBytes));
        AdvanceByTimers(rig, 9 * Second);
        Assert.Equal((2, 1), (rig.Describe("s").Expired, rig.Describe("s").OldestUnackedOffset));
        AdvanceByTimers(rig, 4 * Second);
        Assert.Equal((3, 0, (long?)null), (rig.Describe("s").Expired, rig.Describe("s").Backlog, rig.Describe("s").OldestUnackedOffset));
        Assert.Equal(long.MaxValue, rig.Partition.NextDue);
    }

    [Fact]
    public void A_delayed_message_that_is_due_is_delivered_however_old_it_is()
    {
        using var rig = With(new() { MessageTtl = TimeSpan.FromSeconds(10) });
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 100);
        var producer = rig.Attach("p");
        rig.Publish(producer, Make(0, rig.Now + (1000 * Second)));
        AdvanceByTimers(rig, 1000 * Second);
        Assert.Equal([(0L, 1)], PartitionRig.TakeDelivered(consumer));
        rig.Ack(consumer, 0, 0);
        AdvanceByTimers(rig, 20 * Second);
        Assert.Equal((0, 0), (rig.Describe("s").Expired, rig.Describe("s").Backlog));
    }

    [Theory]
    [InlineData(BacklogAction.RefuseProducers)]
    [InlineData(BacklogAction.DropOldest)]
    public void What_waits_for_its_time_is_no_backlog_and_is_not_dropped_for_the_quota(BacklogAction action)
    {
        var size = Make(0, 0, 0).Length;
        using var rig = With(new() { BacklogQuota = new((2 * size) + 20, action) });
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 100);
        var producer = rig.Attach("p");
        for (var i = 0; i < 20; i++)
            rig.Publish(producer, Make(2 * i, rig.Now + (10 * Second), rig.Now + (10 * Second)));
        for (var i = 20; i < 30; i++)
        {
            rig.Publish(producer, Make(2 * i, 0, 0));
            rig.Ack(consumer, 2 * i, (2 * i) + 1);
        }
        Assert.Equal(60, rig.Log.EndOffset);
        Assert.Equal((0, 0, 40), (rig.Describe("s").Dropped, rig.Describe("s").BacklogBytes, rig.Describe("s").Backlog));
        // When they are due, they are backlog like any other.
        rig.Detach(consumer);
        rig.Now += 10 * Second;
        rig.Wake();
        Assert.Equal(action == BacklogAction.DropOldest, rig.Describe("s").Dropped > 0);
        rig.Publish(producer, Make(60, 0));
        Assert.Equal(action == BacklogAction.DropOldest ? 61 : 60, rig.Log.EndOffset);
    }

    private static byte[] Make(long baseSequence, params long[] dues) =>
        Batches.MakeDelayed("p", baseSequence, [.. dues.Select(static due => (due, (string?)null))]);

    private static PartitionRig With(TopicPolicy policy) => new(new PartitionSettings { Policy = policy });

    private static void AdvanceByTimers(PartitionRig rig, long time)
    {
        var end = rig.Now + time;
        while (rig.Partition.NextDue <= end)
        {
            rig.Now = Math.Max(rig.Now + 1, rig.Partition.NextDue);
            rig.Wake();
        }
        rig.Now = end;
    }
}
