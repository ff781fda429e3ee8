using Comet.Server.Broker;

namespace Comet.Server.Tests.Broker;

public sealed class DispatchTests
{
    [Fact]
    public void Consumers_that_share_take_turns()
    {
        using var rig = new PartitionRig();
        var consumers = Enumerable.Range(0, 4).Select(i => rig.Subscribe($"c{i}")).ToList();
        foreach (var consumer in consumers)
            rig.Permit(consumer, 1000);
        rig.Fill(400, 400);
        Assert.All(consumers, c => Assert.Equal(200, PartitionRig.TakeDelivered(c).Count));
    }

    [Fact]
    public void What_a_consumer_held_that_goes_is_delivered_before_anything_new_with_a_count_one_higher()
    {
        using var rig = new PartitionRig();
        var (gone, stays) = (rig.Subscribe("gone"), rig.Subscribe("stays"));
        rig.Permit(gone, 10);
        rig.Fill(20);
        rig.Ack(gone, 3, 4);
        rig.Detach(gone);
        rig.Permit(stays, 100);
        var delivered = PartitionRig.TakeDelivered(stays);
        Assert.Equal(new long[] { 0, 1, 2, 5, 6, 7, 8, 9 }.Select(o => (o, 2)), delivered.Take(8));
        Assert.Equal(Enumerable.Range(10, 10).Select(o => ((long)o, 1)), delivered.Skip(8));
    }

    [Fact]
    public void A_batch_may_overdraw_the_bytes_and_then_nothing_comes_until_they_are_paid_back()
    {
        using var rig = new PartitionRig();
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 100, 1);
        rig.Fill(10, 10);
        Assert.Equal(10, PartitionRig.TakeDelivered(consumer).Count);
        var overdrawn = -consumer.PermitBytes;
        Assert.True(overdrawn > 0);
        rig.Permit(consumer, 0, overdrawn);
        Assert.Empty(PartitionRig.TakeDelivered(consumer));
        rig.Permit(consumer, 0, 1);
        Assert.Equal(10, PartitionRig.TakeDelivered(consumer).Count);
    }

    [Fact]
    public void What_waits_for_its_acks_stays_within_the_limit_also_within_a_batch()
    {
        using var rig = new PartitionRig(new PartitionSettings { MaxOutstandingMessages = 7 });
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 1000);
        rig.Fill(5, 20);
        Assert.Equal(7, PartitionRig.TakeDelivered(consumer).Count);
        rig.Ack(consumer, 0, 3);
        Assert.Equal([7, 8, 9, 10], PartitionRig.TakeDelivered(consumer).Select(d => d.Offset));
    }

    [Fact]
    public void A_reader_needs_no_acks_to_go_on()
    {
        using var rig = new PartitionRig(new PartitionSettings { MaxOutstandingMessages = 5 });
        var reader = rig.Subscribe("r", kind: SubscriptionKind.Reader);
        rig.Permit(reader, 1000);
        rig.Fill(4, 20, 20);
        Assert.Equal(Enumerable.Range(0, 44).Select(o => ((long)o, 1)), PartitionRig.TakeDelivered(reader));
        Assert.Equal(0, reader.Unacked);
    }

    [Fact]
    public void A_nacked_message_waits_for_its_time_and_the_partition_says_when_that_is()
    {
        using var rig = new PartitionRig();
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 100);
        rig.Fill(3);
        PartitionRig.TakeDelivered(consumer);
        rig.Nack(consumer, 1, 1, delay: 500);
        Assert.Equal(rig.Now + 500, rig.Partition.NextDue);
        rig.Now += 499;
        rig.Wake();
        Assert.Empty(PartitionRig.TakeDelivered(consumer));
        rig.Now += 1;
        rig.Wake();
        Assert.Equal([(1, 2)], PartitionRig.TakeDelivered(consumer));
        Assert.Equal(long.MaxValue, rig.Partition.NextDue);
    }

    [Fact]
    public void A_message_that_is_acked_while_it_waits_for_its_time_makes_room_at_once()
    {
        using var rig = new PartitionRig(new PartitionSettings { MaxOutstandingMessages = 2 });
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 100);
        rig.Fill(10);
        rig.Nack(consumer, 0, 1, delay: 1_000_000);
        PartitionRig.TakeDelivered(consumer);
        rig.Ack(consumer, 0, 1);
        Assert.Equal([(2, 1), (3, 1)], PartitionRig.TakeDelivered(consumer));
    }

    [Fact]
    public void An_ack_of_what_was_never_delivered_changes_nothing()
    {
        using var rig = new PartitionRig();
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 2);
        rig.Fill(10);
        rig.Ack(consumer, 0, 1_000_000);
        rig.Permit(consumer, 100);
        Assert.Equal(Enumerable.Range(0, 10).Select(o => (long)o), PartitionRig.TakeDelivered(consumer).Select(d => d.Offset));
    }
}
