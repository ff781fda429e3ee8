using System.Text;
using Comet.Server.Broker;

namespace Comet.Server.Tests.Broker;

/// <summary>How far a key-shared subscription looks for something that a consumer with permits can be sent, while all its keys are held by
/// others.</summary>
public sealed class KeyWalkTests
{
    private const int Held = 200;
    private const int Backlog = 3_500;
    private const int Portion = 1_000;
    private const long Pause = 5_000;

    private static readonly SubscriptionSettings s_leased = new() { Lease = 30_000_000 };

    [Fact]
    public void It_looks_in_portions_and_finds_what_is_far_behind()
    {
        using var rig = new PartitionRig();
        var (first, second) = Begin(rig);
        for (var portion = 1; portion * Portion < Backlog; portion++)
        {
            Assert.Empty(PartitionRig.TakeDelivered(second));
            Assert.Equal(portion * Portion, second.Subscription!.Outstanding - Held);
            Assert.NotEqual(WaitReason.None, rig.Explain().Reason);
            Assert.Equal(rig.Now + Pause, rig.Partition.NextDue);
            rig.Now += Pause - 1;
            rig.Wake();
            Assert.Empty(PartitionRig.TakeDelivered(second));
            rig.Now++;
            rig.Wake();
        }
        Assert.Equal([(Held + Backlog, 1)], PartitionRig.TakeDelivered(second));
        Assert.Empty(PartitionRig.TakeDelivered(first));
    }

    [Fact]
    public void It_goes_on_as_soon_as_a_key_is_free()
    {
        using var rig = new PartitionRig();
        var (first, second) = Begin(rig);
        rig.Ack(first, 0, Held - 1);
        var delivered = PartitionRig.TakeDelivered(second).Select(static d => d.Offset).ToList();
        Assert.Equal(100, delivered.Count);
        Assert.Equal(delivered.Order(), delivered);
        rig.Permit(second, Backlog);
        delivered.AddRange(PartitionRig.TakeDelivered(second).Select(static d => d.Offset));
        rig.Permit(first, Backlog);
        delivered.AddRange(PartitionRig.TakeDelivered(first).Select(static d => d.Offset));
        Assert.Equal(Enumerable.Range(Held, Backlog + 1).Select(static i => (long)i), delivered.Order());
    }

    [Fact]
    public void What_waits_in_a_row_changes_hands_with_its_keys_and_stays_in_order()
    {
        using var rig = new PartitionRig();
        var (first, second) = Begin(rig);
        var third = rig.Subscribe("third", type: SubscriptionType.KeyShared, settings: s_leased);
        rig.Ack(first, 0, Held - 1);
        rig.Detach(second);
        rig.Permit(third, 2 * Backlog);
        rig.Permit(first, 2 * Backlog);
        var (atFirst, atThird) = (PartitionRig.TakeDelivered(first), PartitionRig.TakeDelivered(third));
        Assert.Equal(Enumerable.Range(Held, Backlog + 1).Select(static i => (long)i),
            atFirst.Concat(atThird).Select(static d => d.Offset).Order());
        Assert.All([atFirst, atThird], static at => Assert.All(at.GroupBy(static d => (d.Offset - Held) % Held), static key =>
            Assert.Equal(key.Select(static d => d.Offset).Order(), key.Select(static d => d.Offset))));
    }

    /// <summary>The first consumer holds a message of each of many keys and takes no more; many more of them lie behind, and then one of a
    /// key that the second one is free to take, which has just come.</summary>
    private static (Consumer First, Consumer Second) Begin(PartitionRig rig)
    {
        var first = rig.Subscribe("first", type: SubscriptionType.KeyShared, settings: s_leased);
        rig.Permit(first, Held);
        var producer = rig.Attach("p");
        rig.Publish(producer, Batches.Make("p", 0, Held, keyOf: static s => $"k{s % Held}"));
        Assert.Equal(Held, PartitionRig.TakeDelivered(first).Count);
        rig.Publish(producer, Batches.Make("p", Held, Backlog, keyOf: static s => $"k{s % Held}"));
        var second = rig.Subscribe("second", type: SubscriptionType.KeyShared, settings: s_leased);
        rig.Publish(producer, Batches.Make("p", Held + Backlog, 1, keyOf: _ => FreeKey(second)));
        rig.Permit(second, 100);
        return (first, second);
    }

    private static string FreeKey(Consumer owner)
    {
        var slots = owner.Subscription!.Slots!;
        return Enumerable.Range(0, int.MaxValue).Select(static i => $"free{i}").First(key =>
            KeySlots.SlotOf(Encoding.UTF8.GetBytes(key), 0) is var slot && slots.OwnerOf(slot) == owner && slots.HolderOf(slot) is null);
    }
}
