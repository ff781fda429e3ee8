using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

public sealed class ScheduleRequestTests
{
    private const long Second = 1_000_000;

    [Fact]
    public void What_is_cancelled_is_never_delivered_and_cancelling_it_again_says_the_same()
    {
        using var rig = new DelayRig();
        var consumer = Subscribe(rig);
        rig.Publish(Second, 2 * Second);
        Assert.Equal((ScheduleOutcome.Done, 1), rig.Cancel(0));
        Assert.Equal((ScheduleOutcome.Done, 1), rig.Cancel(0));
        rig.Pass(5 * Second);
        Assert.Equal([1], PartitionRig.TakeDelivered(consumer).Select(static d => d.Offset));
        Assert.Equal([1], PartitionRig.TakeDelivered(Subscribe(rig, "later")).Select(static d => d.Offset));
    }

    [Fact]
    public void What_is_cancelled_does_not_hold_up_the_cursor()
    {
        using var rig = new DelayRig();
        var (early, late) = (Subscribe(rig), Subscribe(rig, "other"));
        rig.Publish(Second, 0);
        rig.Cancel(0);
        var latest = Subscribe(rig, "created-after");
        foreach (var consumer in new[] { early, late, latest })
        {
            rig.Rig.Ack(consumer, 1, 1);
            Assert.Equal(2, consumer.Subscription!.Cursor.AckedUpTo);
        }
    }

    [Fact]
    public void What_was_delivered_cannot_be_cancelled_or_moved()
    {
        using var rig = new DelayRig();
        rig.Publish(Second, -1, 0);
        rig.Pass(Second);
        Assert.Equal(ScheduleOutcome.AlreadyDelivered, rig.Cancel(0).Outcome);
        Assert.Equal(ScheduleOutcome.AlreadyDelivered, rig.Reschedule(0, Second));
        Assert.Equal(ScheduleOutcome.AlreadyDelivered, rig.Cancel(1).Outcome);
        Assert.Equal(ScheduleOutcome.NotFound, rig.Cancel(2).Outcome);
        Assert.Equal(ScheduleOutcome.NotFound, rig.Cancel(3).Outcome);
        Assert.Equal(ScheduleOutcome.NotFound, rig.Cancel(-1).Outcome);
    }

    [Fact]
    public void A_cancelled_message_cannot_be_moved()
    {
        using var rig = new DelayRig();
        rig.Publish(Second);
        rig.Cancel(0);
        Assert.Equal(ScheduleOutcome.NotFound, rig.Reschedule(0, 2 * Second));
    }

    [Fact]
    public void A_moved_message_comes_at_its_new_time_earlier_or_later_or_at_once()
    {
        using var rig = new DelayRig();
        var consumer = Subscribe(rig);
        rig.Publish(5 * Second, 5 * Second, 5 * Second);
        rig.Reschedule(0, Second);
        rig.Reschedule(1, 10 * Second);
        rig.Reschedule(2, -Second);
        Assert.Equal([2], PartitionRig.TakeDelivered(consumer).Select(static d => d.Offset));
        rig.Pass(Second);
        Assert.Equal([0], PartitionRig.TakeDelivered(consumer).Select(static d => d.Offset));
        rig.Pass(8 * Second);
        Assert.Empty(PartitionRig.TakeDelivered(consumer));
        rig.Pass(Second);
        Assert.Equal([1], PartitionRig.TakeDelivered(consumer).Select(static d => d.Offset));
    }

    [Fact]
    public void By_key_only_that_key_is_counted_listed_and_cancelled()
    {
        using var rig = new DelayRig();
        rig.Publish([(Second, "a"), (3 * Second, "b"), (2 * Second, "a"), (Second, null)], CompressionType.Lz4);
        Assert.Equal((4, 2, 0), (rig.Count(), rig.Count("a"), rig.Count("x")));
        Assert.Equal(
            [new(0, rig.Now + Second, "a", 1_000_000, 20), new(2, rig.Now + (2 * Second), "a", 1_000_002, 20)], rig.List("a"));
        Assert.Equal(2, rig.CancelKey("a"));
        Assert.Equal(0, rig.CancelKey("a"));
        Assert.Equal([3, 1], rig.List().Select(static e => e.Offset));
    }

    // KeyHash has 31 bits: these two keys have the same one.
    [Fact]
    public void Two_keys_with_one_hash_are_kept_apart()
    {
        var (one, other) = FindCollision();
        using var rig = new DelayRig();
        rig.Publish([(Second, one), (Second, other)]);
        Assert.Equal(1, rig.CancelKey(one));
        Assert.Equal([1], rig.List(other).Select(static e => e.Offset));
    }

    [Fact]
    public void A_listing_comes_in_pages_in_the_order_of_due_time_and_offset()
    {
        using var rig = new DelayRig();
        var random = new Random(7);
        for (var i = 0; i < 20; i++)
            rig.Publish([.. Enumerable.Range(0, 50).Select(_ => random.NextInt64(1, 100) * Second)]);
        var all = rig.List();
        Assert.Equal(1000, all.Count);
        Assert.Equal(all.OrderBy(static e => e.DeliverAt).ThenBy(static e => e.Offset), all);
        var pages = new List<ScheduledEntry>();
        for (var page = rig.List(limit: 64); page.Count > 0; page = rig.List(limit: 64, after: new(page[^1].DeliverAt, page[^1].Offset)))
            pages.AddRange(page);
        Assert.Equal(all, pages);
        var (from, to) = (rig.Now + (10 * Second), rig.Now + (20 * Second));
        Assert.Equal(all.Where(e => e.DeliverAt >= from && e.DeliverAt <= to), rig.List(from: from, to: to));
        Assert.Equal(all.Count(e => e.DeliverAt >= from && e.DeliverAt <= to), rig.Count(from: from, to: to));
    }

    [Fact]
    public void Beyond_the_limit_a_batch_is_refused_whole_and_what_leaves_makes_room()
    {
        using var rig = new DelayRig(new PartitionSettings { ScheduleBudget = new ScheduleBudget(3) });
        rig.Publish(Second, 2 * Second);
        Assert.Equal(ErrorCode.ScheduleLimitReached, Assert.IsType<ErrorFrame>(rig.Publish(Second, 0, Second)).Code);
        Assert.Equal(2, rig.Rig.Log.EndOffset);
        Assert.IsType<PublishedFrame>(rig.Publish(0, -1, Second));
        Assert.Equal(ErrorCode.ScheduleLimitReached, Assert.IsType<ErrorFrame>(rig.Publish(Second)).Code);
        rig.Cancel(1);
        Assert.IsType<PublishedFrame>(rig.Publish(Second));
        rig.Pass(Second);
        Assert.IsType<PublishedFrame>(rig.Publish(Second, Second, Second));
    }

    [Fact]
    public void A_batch_that_finds_no_room_in_the_log_takes_none_of_the_limit()
    {
        var budget = new ScheduleBudget(10);
        using var rig = new DelayRig(new PartitionSettings { ScheduleBudget = budget });
        rig.Rig.Log.IsFull = true;
        Assert.Equal(ErrorCode.StorageFull, Assert.IsType<ErrorFrame>(rig.Publish(Second)).Code);
        Assert.Equal(0, budget.Used);
        rig.Rig.Log.IsFull = false;
        rig.Publish(Second);
        Assert.Equal(1, budget.Used);
        rig.Rig.Do(new(CommandKind.Delete));
        Assert.Equal(0, budget.Used);
    }

    [Fact]
    public void More_than_ten_years_is_refused()
    {
        using var rig = new DelayRig();
        var most = ScheduleLimits.MaxDelayMicroseconds;
        Assert.Equal(ErrorCode.InvalidArgument, Assert.IsType<ErrorFrame>(rig.Publish(most + 1)).Code);
        Assert.IsType<PublishedFrame>(rig.Publish(most));
        Assert.Equal(ErrorCode.InvalidArgument, rig.AskRefused(new RescheduleRequest(rig.Peer, 0, rig.Now + most + 1)));
        Assert.Equal(ScheduleOutcome.Done, rig.Reschedule(0, most));
    }

    [Fact]
    public void A_topic_that_is_gone_answers_so()
    {
        using var rig = new DelayRig();
        rig.Rig.Do(new(CommandKind.Delete));
        Assert.Equal(ErrorCode.TopicDeleted, rig.AskRefused(new CancelRequest(rig.Peer, 0, null)));
    }

    /// <summary>What issue 5 needs: the log and two small sets are enough to go on after a restart.</summary>
    [Fact]
    public void The_log_and_what_was_cancelled_and_moved_give_the_same_index_again()
    {
        using var rig = new DelayRig();
        rig.Publish([(5 * Second, "a"), (0, null), (6 * Second, "b"), (7 * Second, null), (8 * Second, "a")], CompressionType.Snappy);
        rig.Publish(Second, 20 * Second, 3 * Second, 9 * Second, 9 * Second);
        rig.Cancel(2);
        rig.Reschedule(3, 30 * Second);
        rig.Reschedule(4, Second);
        rig.Reschedule(5, 12 * Second);
        rig.Reschedule(6, 2 * Second);
        rig.Pass(4 * Second);
        var index = rig.Rig.Partition.Delays;
        var recovered = new DelayIndex(new ScheduleBudget(0));
        var (scan, log) = (new DelayScan(int.MaxValue), rig.Rig.Log);
        for (var at = log.StartOffset; log.TryRead(at, out var batch); at = batch.LastOffset + 1)
            scan.Recover(recovered, batch, new(index.Moved, index.Cancelled), rig.Now);
        Assert.Equal(index.Count, recovered.Count);
        Assert.Equal(index.Moved.OrderBy(static m => m.Key), recovered.Moved.OrderBy(static m => m.Key));
        var expected = new List<long>();
        for (var time = rig.Now; time < rig.Now + (60 * Second); time += Second)
        {
            var released = DelayIndexTests.Release(index, time);
            Assert.Equal(released, DelayIndexTests.Release(recovered, time));
            expected.AddRange(released);
        }
        Assert.Equal([0, 8, 9, 5, 3], expected);
    }

    private static Consumer Subscribe(DelayRig rig, string subscription = "s")
    {
        var consumer = rig.Rig.Subscribe("c", subscription);
        rig.Rig.Permit(consumer, 1000);
        return consumer;
    }

    private static (string One, string Other) FindCollision()
    {
        var keys = new Dictionary<int, string>();
        for (var i = 0; ; i++)
        {
            if (!keys.TryAdd(KeyHash.Compute($"{i}"), $"{i}"))
                return (keys[KeyHash.Compute($"{i}")], $"{i}");
        }
    }
}
