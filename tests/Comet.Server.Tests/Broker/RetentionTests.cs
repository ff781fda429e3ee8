using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>How long acked messages stay.</summary>
public sealed class RetentionTests
{
    private const long Second = 1_000_000;

    [Fact]
    public void Without_a_policy_acked_messages_stay_until_room_is_wanted()
    {
        using var rig = new PartitionRig();
        Drain(rig, 10, 10, 10);
        rig.Now += 1000 * Second;
        rig.Wake();
        Assert.Equal((0, long.MaxValue), (rig.Log.StartOffset, rig.Partition.NextDue));
        rig.Do(new(CommandKind.Trim));
        Assert.Equal(30, rig.Log.StartOffset);
    }

    [Fact]
    public void Retention_of_nothing_drops_what_is_acked_at_once_and_nothing_else()
    {
        using var rig = With(RetentionPolicy.None);
        var slow = rig.Subscribe("slow", "slow");
        var fast = rig.Subscribe("fast", "fast");
        rig.Permit(slow, 100);
        rig.Permit(fast, 100);
        rig.Fill(10, 10, 10);
        rig.Ack(fast, 0, 29);
        Assert.Equal(0, rig.Log.StartOffset);
        rig.Ack(slow, 0, 14);
        // A batch goes when all of it is acked.
        Assert.Equal(10, rig.Log.StartOffset);
        rig.Ack(slow, 15, 29);
        Assert.Equal(30, rig.Log.StartOffset);
    }

    [Fact]
    public void Undelivered_messages_stay_however_long_nobody_comes()
    {
        using var rig = With(RetentionPolicy.None);
        rig.Detach(rig.Subscribe("c"));
        rig.Fill(5, 5);
        for (var i = 0; i < 1000; i++)
        {
            rig.Now += 3600 * Second;
            rig.Wake();
        }
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 100);
        Assert.Equal(Enumerable.Range(0, 10).Select(o => ((long)o, 1)), PartitionRig.TakeDelivered(consumer));
    }

    [Fact]
    public void What_is_published_right_behind_the_last_ack_is_not_lost()
    {
        using var rig = With(RetentionPolicy.None);
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 1000);
        for (var i = 0; i < 50; i++)
        {
            rig.Fill(1);
            Assert.Equal([(i, 1)], PartitionRig.TakeDelivered(consumer));
            rig.Ack(consumer, i, i);
            Assert.Equal(i + 1, rig.Log.StartOffset);
        }
    }

    [Fact]
    public void By_count_at_least_so_many_acked_messages_stay_and_can_be_read_again()
    {
        using var rig = With(new() { MaxMessages = 15 });
        var consumer = Drain(rig, 10, 10, 10, 10);
        // Two batches would leave ten: at least fifteen are promised.
        Assert.Equal(20, rig.Log.StartOffset);
        rig.Seek("s", StartPosition.Earliest);
        consumer = rig.Subscribe("again");
        rig.Permit(consumer, 100);
        Assert.Equal(Enumerable.Range(20, 20).Select(o => ((long)o, 1)), PartitionRig.TakeDelivered(consumer));
    }

    [Fact]
    public void By_count_only_acked_messages_count()
    {
        using var rig = With(new() { MaxMessages = 10 });
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 100);
        rig.Fill(10, 10, 10);
        rig.Ack(consumer, 0, 9);
        Assert.Equal(0, rig.Log.StartOffset);
        rig.Ack(consumer, 10, 19);
        Assert.Equal(10, rig.Log.StartOffset);
    }

    [Fact]
    public void By_size_at_least_so_many_bytes_stay()
    {
        var size = Batches.Make("filler", 0, 10).Length;
        using var rig = With(new() { MaxBytes = (2 * size) - 1 });
        Drain(rig, 10, 10, 10, 10);
        Assert.Equal(20, rig.Log.StartOffset);
        rig.Change(new() { Retention = new() { MaxBytes = size } });
        Assert.Equal(30, rig.Log.StartOffset);
    }

    [Fact]
    public void By_age_each_message_stays_at_least_so_long_from_when_the_broker_stored_it()
    {
        using var rig = With(new() { MaxAge = TimeSpan.FromSeconds(10) });
        // The producer's own times are of 1970: they mean nothing here.
        Drain(rig, 10);
        rig.Now += 5 * Second;
        rig.Fill(10);
        rig.Now += (5 * Second) - 1;
        rig.Wake();
        Assert.Equal(0, rig.Log.StartOffset);
        AdvanceByTimers(rig, 5 * Second);
        Assert.Equal(10, rig.Log.StartOffset);
        AdvanceByTimers(rig, 2 * Second);
        Assert.Equal((10, 1), (rig.Log.StartOffset, rig.Describe("s").Backlog / 10));
    }

    [Fact]
    public void The_limit_that_is_passed_first_lets_a_message_go()
    {
        using var rig = With(new() { MaxMessages = 20, MaxAge = TimeSpan.FromSeconds(10) });
        Drain(rig, 10, 10, 10);
        Assert.Equal(10, rig.Log.StartOffset);
        AdvanceByTimers(rig, 12 * Second);
        Assert.Equal(30, rig.Log.StartOffset);
    }

    [Fact]
    public void Without_a_durable_subscription_everything_counts_as_acked()
    {
        using var rig = With(new() { MaxMessages = 10 });
        var reader = rig.Subscribe("r", kind: SubscriptionKind.Reader);
        rig.Permit(reader, 5);
        rig.Fill(10, 10, 10);
        Assert.Equal(20, rig.Log.StartOffset);
        Assert.Equal(5, PartitionRig.TakeDelivered(reader).Count);
        rig.Permit(reader, 100);
        Assert.Equal(20, PartitionRig.TakeDelivered(reader)[0].Offset);
    }

    [Fact]
    public void A_reader_that_keeps_up_has_what_nobody_else_needs()
    {
        using var rig = With(RetentionPolicy.None);
        var reader = rig.Subscribe("r", kind: SubscriptionKind.Reader);
        rig.Permit(reader, 100);
        rig.Fill(10, 10);
        Assert.Equal(20, PartitionRig.TakeDelivered(reader).Count);
        Assert.Equal(20, rig.Log.StartOffset);
    }

    [Fact]
    public void What_is_promised_to_stay_does_not_yield_to_room()
    {
        using var rig = new PartitionRig(
            new PartitionSettings { Policy = new() { Retention = RetentionPolicy.Forever } }, memoryLimit: 256 * 1024);
        var producer = rig.Attach("p");
        var peer = (FakePeer)producer.Peer;
        peer.Sent.Clear();
        for (var i = 0; i < 500 && !peer.Sent.Any(s => s.Frame is ErrorFrame); i++)
            rig.Publish(producer, Batches.Make("p", i, 1, 1000));
        Assert.Equal(ErrorCode.StorageFull, peer.Take<ErrorFrame>().Single().Code);
        Assert.Equal(0, rig.Log.StartOffset);
        rig.Change(TopicPolicy.Default);
        rig.Publish(producer, Batches.Make("p", rig.Log.EndOffset, 1, 1000));
        Assert.Single(peer.Take<PublishedFrame>());
    }

    [Fact]
    public void A_change_takes_effect_at_once()
    {
        using var rig = With(RetentionPolicy.Forever);
        Drain(rig, 10, 10, 10);
        Assert.Equal(0, rig.Log.StartOffset);
        rig.Change(new() { Retention = new() { MaxMessages = 11 } });
        Assert.Equal(10, rig.Log.StartOffset);
        rig.Change(new() { Retention = RetentionPolicy.None });
        Assert.Equal(30, rig.Log.StartOffset);
    }

    [Fact]
    public void Messages_that_follow_each_other_closely_share_a_timer()
    {
        using var rig = With(new() { MaxAge = TimeSpan.FromSeconds(100) });
        var dues = new HashSet<long>();
        for (var i = 0; i < 1000; i++)
        {
            rig.Now += Second / 100;
            rig.Fill(1);
            dues.Add(rig.Partition.NextDue);
        }
        Assert.InRange(dues.Count, 1, 2);
    }

    private static PartitionRig With(RetentionPolicy retention) => new(new PartitionSettings { Policy = new() { Retention = retention } });

    /// <summary>Publishes batches to a subscription that acks all of them.</summary>
    private static Consumer Drain(PartitionRig rig, params int[] batches)
    {
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 1000);
        rig.Fill(batches);
        rig.Ack(consumer, 0, batches.Sum() - 1);
        rig.Detach(consumer);
        return consumer;
    }

    private static void AdvanceByTimers(PartitionRig rig, long time)
    {
        var end = rig.Now + time;
        while (rig.Partition.NextDue <= end)
        {
            rig.Now = Math.Max(rig.Now, rig.Partition.NextDue);
            rig.Wake();
        }
        rig.Now = end;
    }
}
