using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>Moving a subscription.</summary>
public sealed class SeekTests
{
    private const long Second = 1_000_000;

    [Theory]
    [InlineData("earliest", 0)]
    [InlineData("latest", 30)]
    [InlineData("offset 12", 12)]
    [InlineData("offset 99", 30)]
    [InlineData("time", 10)]
    public void A_subscription_goes_on_from_where_it_was_moved_to(string to, long expected)
    {
        using var rig = new PartitionRig();
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 5);
        rig.Fill(10);
        var time = rig.Now += Second;
        rig.Fill(10, 10);
        rig.Ack(consumer, 0, 2);
        var position = to switch
        {
            "earliest" => StartPosition.Earliest,
            "latest" => StartPosition.Latest,
            "time" => StartPosition.FromTime(UnixMicroseconds.ToTime(time)),
            _ => StartPosition.FromOffset(long.Parse(to.AsSpan(7), System.Globalization.CultureInfo.InvariantCulture)),
        };
        Assert.Equal(expected, rig.Seek("s", position).Single<SoughtFrame>().NextOffset);
        consumer = rig.Subscribe("c");
        Assert.Equal(expected, ((FakePeer)consumer.Peer).Single<SubscribedFrame>().NextOffset);
        rig.Permit(consumer, 100);
        rig.Fill(1);
        // Nothing is left of what was in flight before: every count is 1.
        Assert.Equal(Enumerable.Range((int)expected, 31 - (int)expected).Select(o => ((long)o, 1)), PartitionRig.TakeDelivered(consumer));
    }

    [Fact]
    public void Consumers_are_told_to_attach_again_before_the_answer_and_what_they_held_is_forgotten()
    {
        using var rig = new PartitionRig();
        var peer = new FakePeer();
        var consumer = rig.Subscribe("c", peer: peer);
        rig.Permit(consumer, 100);
        rig.Fill(10);
        rig.Nack(consumer, 0, 3, delay: Second);
        var before = peer.Take<SubscribedFrame>().Single().Generation;
        rig.Do(new(CommandKind.Seek) { Detail = new SeekRequest(peer, "s", StartPosition.FromOffset(5)) });
        Assert.Equal([FrameType.ConsumerClosed, FrameType.Sought], peer.TakeAll().Select(static f => f is SoughtFrame
            ? FrameType.Sought
            : Assert.IsType<ConsumerClosedFrame>(f) is { Code: ErrorCode.SubscriptionMoved } ? FrameType.ConsumerClosed : FrameType.Error));
        Assert.Contains(consumer, peer.Forgotten);
        // The nacked messages do not come back, and an ack of what was held before is refused as one of nobody.
        rig.Now += 2 * Second;
        rig.Ack(consumer, 5, 9);
        var again = rig.Subscribe("c");
        Assert.NotEqual(before, ((FakePeer)again.Peer).Single<SubscribedFrame>().Generation);
        rig.Permit(again, 100);
        Assert.Equal(Enumerable.Range(5, 5).Select(o => ((long)o, 1)), PartitionRig.TakeDelivered(again));
    }

    [Fact]
    public void A_subscription_that_is_created_anew_has_another_generation()
    {
        using var rig = new PartitionRig();
        var first = rig.Subscribe("c");
        rig.Detach(first);
        rig.Unsubscribe("s");
        var second = rig.Subscribe("c");
        Assert.NotEqual(GenerationOf(first), GenerationOf(second));
    }

    private static long GenerationOf(Consumer consumer) => ((FakePeer)consumer.Peer).Take<SubscribedFrame>().Single().Generation;

    [Fact]
    public void Other_subscriptions_stay_where_they_are()
    {
        using var rig = new PartitionRig();
        var other = rig.Subscribe("o", "other");
        rig.Permit(other, 100);
        rig.Detach(rig.Subscribe("c"));
        rig.Fill(10);
        rig.Ack(other, 0, 9);
        rig.Seek("s", StartPosition.Earliest);
        Assert.Equal((0, 10), (rig.Describe("other").Backlog, rig.Describe("s").Backlog));
        Assert.NotNull(other.Subscription);
    }

    [Fact]
    public void Only_a_subscription_that_is_there_can_be_moved()
    {
        using var rig = new PartitionRig();
        Assert.Equal(ErrorCode.SubscriptionNotFound, rig.Seek("none", StartPosition.Earliest).Single<ErrorFrame>().Code);
    }
}
