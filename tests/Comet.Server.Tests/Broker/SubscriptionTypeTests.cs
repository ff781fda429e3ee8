using System.Text;
using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

public sealed class SubscriptionTypeTests
{
    private static readonly SubscriptionSettings s_leased = new() { Lease = 1_000 };

    [Theory]
    [InlineData(SubscriptionType.Exclusive)]
    [InlineData(SubscriptionType.Failover)]
    public void On_ordered_subscriptions_what_is_given_back_holds_up_what_is_new_while_its_delay_runs(SubscriptionType type)
    {
        using var rig = new PartitionRig();
        var consumer = rig.Subscribe("c", type: type);
        rig.Permit(consumer, 5);
        rig.Fill(10);
        Assert.Equal(5, PartitionRig.TakeDelivered(consumer).Count);
        rig.Nack(consumer, 3, 3, delay: 500);
        rig.Nack(consumer, 1, 1);
        rig.Permit(consumer, 100);
        Assert.Equal([(1, 2)], PartitionRig.TakeDelivered(consumer));
        rig.Nack(consumer, 4, 4);
        Assert.Empty(PartitionRig.TakeDelivered(consumer));
        rig.Now += 500;
        rig.Wake();
        Assert.Equal([(3, 2), (4, 2), (5, 1), (6, 1), (7, 1), (8, 1), (9, 1)], PartitionRig.TakeDelivered(consumer));
    }

    [Fact]
    public void A_message_on_its_way_to_the_dead_letters_holds_up_nothing()
    {
        var port = new Port();
        using var rig = new PartitionRig(new PartitionSettings { DeadLetters = port });
        var consumer = rig.Subscribe("c", type: SubscriptionType.Exclusive, settings: new() { MaxDeliveries = 1, DeadLetterTopic = "d" });
        rig.Permit(consumer, 2);
        rig.Fill(4);
        rig.Nack(consumer, 0, 0, delay: 1_000_000, reason: "broken");
        PartitionRig.TakeDelivered(consumer);
        rig.Permit(consumer, 10);
        Assert.Equal([(2, 1), (3, 1)], PartitionRig.TakeDelivered(consumer));
        var letter = Assert.Single(port.Letters);
        Assert.Equal((0, 1, new DeadLetterReason(false, "broken"), "t"),
            (letter.Offset, letter.DeliveryCount, letter.Reason, letter.Topic));
    }

    [Fact]
    public void A_refused_dead_letter_is_handed_over_again_ever_later_and_acked_when_it_is_confirmed()
    {
        var port = new Port();
        using var rig = new PartitionRig(new PartitionSettings { DeadLetters = port });
        var consumer = rig.Subscribe("c", settings: new() { DeadLetterTopic = "d" });
        rig.Permit(consumer, 1);
        rig.Fill(1);
        rig.GiveUp(consumer, 0, 0, "why");
        foreach (var wait in new long[] { 100_000, 200_000, 400_000 })
        {
            var letter = Assert.Single(port.Letters);
            port.Letters.Clear();
            rig.Do(new(CommandKind.DeadLetterAnswered) { Detail = new DeadLetterAnswer(letter, "full") });
            Assert.Equal(rig.Now + wait, rig.Partition.NextDue);
            rig.Now += wait;
            rig.Wake();
        }
        rig.Do(new(CommandKind.DeadLetterAnswered) { Detail = new DeadLetterAnswer(Assert.Single(port.Letters), null) });
        Assert.Equal(1, consumer.Subscription!.Cursor.AckedUpTo);
        Assert.Null(consumer.Subscription.DeadLetters.Error);
    }

    [Fact]
    public void Shared_consumers_of_a_higher_level_get_what_those_of_a_lower_cannot_take()
    {
        using var rig = new PartitionRig();
        var (high, low) = (rig.Subscribe("high", priority: 5), rig.Subscribe("low", priority: 1));
        rig.Permit(high, 100);
        rig.Permit(low, 3);
        rig.Fill(5);
        Assert.Equal([0, 1, 2], PartitionRig.TakeDelivered(low).Select(static d => d.Offset));
        Assert.Equal([3, 4], PartitionRig.TakeDelivered(high).Select(static d => d.Offset));
    }

    [Fact]
    public void A_key_holds_up_only_itself_and_moves_when_what_is_in_flight_of_it_is_through()
    {
        using var rig = new PartitionRig();
        var first = rig.Subscribe("first", type: SubscriptionType.KeyShared, settings: s_leased);
        rig.Permit(first, 100);
        Publish(rig, 0, "a", "b", "a", "b");
        Assert.Equal(4, PartitionRig.TakeDelivered(first).Count);
        var second = JoinAsOwnerOf(rig, first, "a", out var names);
        rig.Permit(second, 100);
        rig.Nack(first, 0, 0);
        Publish(rig, 4, "a");
        Assert.Empty(PartitionRig.TakeDelivered(second));
        rig.Ack(first, 2, 2);
        Assert.Equal([(0, 2), (4, 1)], PartitionRig.TakeDelivered(second));
        Assert.True(names > 0);
    }

    [Fact]
    public void A_key_whose_holder_does_not_ack_moves_when_its_lease_is_over()
    {
        using var rig = new PartitionRig();
        var first = rig.Subscribe("first", type: SubscriptionType.KeyShared, settings: s_leased);
        rig.Permit(first, 100);
        Publish(rig, 0, "a");
        PartitionRig.TakeDelivered(first);
        var second = JoinAsOwnerOf(rig, first, "a", out _);
        rig.Permit(second, 100);
        Publish(rig, 1, "a");
        rig.Now += 999;
        rig.Wake();
        Assert.Empty(PartitionRig.TakeDelivered(second));
        rig.Now += 1;
        rig.Wake();
        Assert.Equal([(0, 2), (1, 1)], PartitionRig.TakeDelivered(second));
        Assert.Equal([0L, 0L], Assert.Single(((FakePeer)first.Peer).Take<LeaseLostFrame>()).Ranges);
    }

    [Fact]
    public void Who_joins_or_leaves_moves_only_its_own_share_of_the_slots()
    {
        using var rig = new PartitionRig();
        var consumers = Enumerable.Range(0, 8).Select(i => rig.Subscribe($"c{i}", type: SubscriptionType.KeyShared)).ToList();
        var slots = consumers[0].Subscription!.Slots!;
        var before = Enumerable.Range(0, KeySlots.Count).Select(slots.OwnerOf).ToList();
        Assert.All(before.CountBy(static c => c!), static share => Assert.InRange(share.Value, KeySlots.Count / 12, KeySlots.Count / 5));
        var ninth = rig.Subscribe("c8", type: SubscriptionType.KeyShared);
        var with = Enumerable.Range(0, KeySlots.Count).Select(slots.OwnerOf).ToList();
        Assert.All(before.Zip(with), pair => Assert.True(pair.First == pair.Second || pair.Second == ninth));
        rig.Detach(ninth);
        Assert.Equal(before, Enumerable.Range(0, KeySlots.Count).Select(slots.OwnerOf));
    }

    [Theory]
    [InlineData(SubscriptionType.Shared)]
    [InlineData(SubscriptionType.KeyShared)]
    public void A_cumulative_ack_is_refused_where_others_hold_messages(SubscriptionType type)
    {
        using var rig = new PartitionRig();
        var consumer = rig.Subscribe("c", type: type);
        rig.Permit(consumer, 10);
        rig.Fill(3);
        PartitionRig.TakeDelivered(consumer);
        rig.Ack(consumer, 0, 2, cumulative: true);
        Assert.Equal(ErrorCode.Unsupported, ((FakePeer)consumer.Peer).Single<ErrorFrame>().Code);
        Assert.Equal(0, consumer.Subscription!.Cursor.AckedUpTo);
    }

    [Fact]
    public void Ten_million_leases_that_were_acked_take_no_memory_though_the_first_still_runs()
    {
        var table = new DeliveryTable(Marking.Waiting);
        var leases = new LeaseQueue(table);
        var (cursor, state) = (new Cursor(0), MessageState.InFlight(0, 1));
        for (var offset = 0L; offset < 10_000_000; offset += 50)
        {
            table.Put(new(offset, offset + 49), state);
            leases.Add(offset + 30_000_000, new(offset, offset + 49), state);
            if (offset > 0)
                table.Ack(new(offset, offset + 49), cursor);
        }
        Assert.InRange(leases.Count, 1, 2_500);
        Assert.Equal(30_000_000, leases.NextDue);
    }

    [Theory]
    [InlineData(1, 100)]
    [InlineData(2, 200)]
    [InlineData(4, 800)]
    [InlineData(5, 1_000)]
    [InlineData(int.MaxValue, 1_000)]
    public void A_redelivery_waits_longer_each_time_up_to_the_most(int deliveries, long wait) =>
        Assert.Equal(wait, new RedeliveryDelay(100, 1_000, 2_000).After(deliveries));

    private static void Publish(PartitionRig rig, long sequence, params string[] keys)
    {
        var producer = rig.Attach("keys");
        rig.Publish(producer, Batches.Make("keys", sequence, keys.Length, keyOf: s => keys[s - sequence]));
    }

    /// <summary>A consumer under the first name that takes a key over.</summary>
    private static Consumer JoinAsOwnerOf(PartitionRig rig, Consumer first, string key, out int names)
    {
        var slots = first.Subscription!.Slots!;
        var slot = KeySlots.SlotOf(Encoding.UTF8.GetBytes(key), 0);
        for (names = 1; ; names++)
        {
            var consumer = rig.Subscribe($"n{names}", type: SubscriptionType.KeyShared, settings: s_leased);
            if (slots.OwnerOf(slot) == consumer)
                return consumer;
            rig.Detach(consumer);
        }
    }

    private sealed class Port : IDeadLetterPort
    {
        public List<DeadLetter> Letters { get; } = [];

        public void HandOver(string topic, IReadOnlyList<DeadLetter> letters, Action<PartitionCommand> answer) => Letters.AddRange(letters);
    }
}
