using Comet.Server.Broker;

namespace Comet.Server.Tests.Broker;

/// <summary>The time to live of messages that are not acked.</summary>
public sealed class ExpiryTests
{
    private const long Second = 1_000_000;

    [Fact]
    public void A_message_that_is_not_acked_in_time_is_acked_on_behalf_of_each_subscription_and_counted()
    {
        using var rig = With(TimeSpan.FromSeconds(10));
        var prompt = rig.Subscribe("prompt", "prompt");
        rig.Detach(rig.Subscribe("absent", "absent"));
        rig.Permit(prompt, 100);
        rig.Fill(10);
        rig.Ack(prompt, 0, 6);
        rig.Now += 6 * Second;
        rig.Fill(10);
        rig.Now += (4 * Second) - 1;
        rig.Wake();
        Assert.Equal((0, 20), (rig.Describe("absent").Expired, rig.Describe("absent").Backlog));
        // The timer may be late by a step, and never early.
        Assert.InRange(rig.Partition.NextDue, rig.Now + 1, rig.Now + Second + 1);
        rig.Now = rig.Partition.NextDue;
        rig.Wake();
        var absent = rig.Describe("absent");
        Assert.Equal((10, 10, 10), (absent.Expired, absent.Backlog, absent.OldestUnackedOffset));
        Assert.Equal((3, 10), (rig.Describe("prompt").Expired, rig.Describe("prompt").Backlog));
        var late = rig.Subscribe("late", "absent");
        rig.Permit(late, 100);
        Assert.Equal(Enumerable.Range(10, 10).Select(o => ((long)o, 1)), PartitionRig.TakeDelivered(late));
    }

    [Fact]
    public void What_a_consumer_holds_expires_too_and_its_ack_and_nack_do_nothing_then()
    {
        using var rig = With(TimeSpan.FromSeconds(10));
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 100);
        rig.Fill(4);
        rig.Now += 11 * Second;
        rig.Wake();
        Assert.Equal((4, 0), (rig.Describe("s").Expired, rig.Describe("s").Unacked));
        PartitionRig.TakeDelivered(consumer);
        rig.Ack(consumer, 0, 1);
        rig.Nack(consumer, 2, 3);
        rig.Wake();
        Assert.Empty(PartitionRig.TakeDelivered(consumer));
        Assert.Equal((4, 0), (rig.Describe("s").Expired, rig.Describe("s").Backlog));
    }

    [Fact]
    public void A_subscription_that_comes_later_or_goes_back_does_not_get_what_has_expired_and_readers_do()
    {
        using var rig = With(TimeSpan.FromSeconds(10));
        rig.Fill(5);
        rig.Now += 11 * Second;
        rig.Fill(5);
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 100);
        Assert.Equal(5, PartitionRig.TakeDelivered(consumer)[0].Offset);
        rig.Seek("s", StartPosition.Earliest);
        consumer = rig.Subscribe("c");
        rig.Permit(consumer, 100);
        Assert.Equal(5, PartitionRig.TakeDelivered(consumer)[0].Offset);
        var reader = rig.Subscribe("r", kind: SubscriptionKind.Reader);
        rig.Permit(reader, 100);
        Assert.Equal(0, PartitionRig.TakeDelivered(reader)[0].Offset);
    }

    [Fact]
    public void A_change_of_the_time_to_live_takes_effect_at_once()
    {
        using var rig = new PartitionRig();
        rig.Detach(rig.Subscribe("c"));
        rig.Fill(5);
        rig.Now += 100 * Second;
        rig.Wake();
        Assert.Equal(5, rig.Describe("s").Backlog);
        rig.Change(new() { MessageTtl = TimeSpan.FromSeconds(100) });
        Assert.Equal((0, 5), (rig.Describe("s").Backlog, rig.Describe("s").Expired));
        rig.Change(TopicPolicy.Default);
        rig.Fill(5);
        rig.Now += 1000 * Second;
        rig.Wake();
        Assert.Equal((5, long.MaxValue), (rig.Describe("s").Backlog, rig.Partition.NextDue));
    }

    [Fact]
    public void Expired_messages_leave_with_the_retention()
    {
        using var rig = new PartitionRig(new PartitionSettings
        {
            Policy = new() { MessageTtl = TimeSpan.FromSeconds(10), Retention = RetentionPolicy.None },
        });
        rig.Detach(rig.Subscribe("c"));
        rig.Fill(5);
        rig.Now += 11 * Second;
        rig.Wake();
        Assert.Equal((5, 0), (rig.Log.StartOffset, rig.Log.Bytes));
    }

    private static PartitionRig With(TimeSpan ttl) => new(new PartitionSettings { Policy = new() { MessageTtl = ttl } });
}
