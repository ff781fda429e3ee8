using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>Why is nothing arriving? One test for each reason.</summary>
public sealed class ExplainTests : IDisposable
{
    private static readonly SubscriptionSettings s_lease = new() { Lease = SubscriptionSettings.DefaultKeySharedLease };

    private readonly Letters _letters = new();
    private readonly PartitionRig _rig;

    public ExplainTests() => _rig = new(new PartitionSettings { MaxOutstandingMessages = 5, DeadLetters = _letters });

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void NothingToDeliver()
    {
        var consumer = _rig.Subscribe("c");
        AssertNothing();
        _rig.Permit(consumer, 10);
        _rig.Fill(3);
        _rig.Ack(consumer, 0, 2);
        AssertNothing();

        void AssertNothing()
        {
            var found = _rig.Explain();
            Assert.Equal((WaitReason.NothingToDeliver, 0), (found.Reason, found.Backlog));
            Assert.Equal((null, null, null), (found.NextOffset, found.OldestUnackedOffset, found.OldestUnackedAge));
        }
    }

    [Fact]
    public void NoConsumer_with_the_oldest_message_and_its_age()
    {
        _rig.Detach(_rig.Subscribe("c"));
        _rig.Fill(3);
        _rig.Now += 90_000_000;
        _rig.Fill(4);
        var found = _rig.Explain();
        Assert.Equal((WaitReason.NoConsumer, 0, 7), (found.Reason, found.NextOffset, found.Backlog));
        Assert.Equal((0, TimeSpan.FromSeconds(90)), (found.OldestUnackedOffset, found.OldestUnackedAge));
        Assert.Empty(found.Consumers);
    }

    [Theory]
    [InlineData(0, 1000)]
    [InlineData(10, 0)]
    public void NoPermits_of_messages_or_of_bytes(long messages, long bytes)
    {
        var consumer = _rig.Subscribe("c");
        _rig.Permit(consumer, messages, bytes);
        _rig.Fill(3);
        var found = _rig.Explain();
        Assert.Equal((WaitReason.NoPermits, 0, "c"), (found.Reason, found.NextOffset, found.Holder));
        Assert.Equal(new ConsumerExplanation("c", true, true, messages, bytes, 0, null), Assert.Single(found.Consumers));
        _rig.Subscribe("d");
        Assert.Null(_rig.Explain().Holder);
    }

    [Fact]
    public void ConsumerNotReading_when_its_connection_takes_nothing()
    {
        var peer = new FakePeer { HasSpace = false };
        _rig.Subscribe("other");
        var consumer = _rig.Subscribe("slow", peer: peer);
        _rig.Permit(consumer, 10);
        _rig.Fill(1);
        var found = _rig.Explain();
        Assert.Equal((WaitReason.ConsumerNotReading, "slow"), (found.Reason, found.Holder));
        Assert.Equal([true, false], found.Consumers.Select(static c => c.IsReading));
    }

    [Fact]
    public void LeasedBy_names_who_has_the_oldest_message()
    {
        var (first, second) = (_rig.Subscribe("first"), _rig.Subscribe("second"));
        _rig.Permit(first, 2);
        _rig.Fill(2);
        _rig.Permit(second, 10);
        _rig.Fill(1);
        _rig.Ack(first, 0, 0);
        var found = _rig.Explain();
        Assert.Equal((WaitReason.LeasedBy, 1, "first"), (found.Reason, found.NextOffset, found.Holder));
        Assert.Equal([(1L, 1L), (1L, 2L)], found.Consumers.Select(static c => (c.Unacked, c.LastDispatchedOffset!.Value)));
        _rig.Ack(first, 1, 1);
        Assert.Equal("second", _rig.Explain().Holder);
    }

    [Fact]
    public void LeasedBy_says_when_the_lease_ends()
    {
        var consumer = _rig.Subscribe("c", settings: new() { Lease = 30_000_000 });
        _rig.Permit(consumer, 10);
        _rig.Fill(2);
        var begun = _rig.Now;
        _rig.Now += 10_000_000;
        _rig.Do(new(CommandKind.ExtendLease) { Consumer = consumer, Ranges = [1, 1] });
        Assert.Equal((0, UnixMicroseconds.ToTime(begun + 30_000_000)), (_rig.Explain().NextOffset, _rig.Explain().Until));
        _rig.Ack(consumer, 0, 0);
        Assert.Equal((1, UnixMicroseconds.ToTime(begun + 40_000_000)), (_rig.Explain().NextOffset, _rig.Explain().Until));
    }

    [Fact]
    public void KeyHeldBy_names_who_has_the_key()
    {
        var first = _rig.Subscribe("first", type: SubscriptionType.KeyShared, settings: s_lease);
        var second = _rig.Subscribe("second", type: SubscriptionType.KeyShared, settings: s_lease);
        _rig.Permit(first, 10);
        _rig.Permit(second, 10);
        var key = Enumerable.Range(0, 100).Select(static i => $"k{i}").First(key => Owner(key) == first);
        var producer = _rig.Attach("p");
        _rig.Publish(producer, Batches.Make("p", 0, 1, keyOf: _ => key));
        Assert.Equal(1, first.Unacked);
        // A third consumer takes the key over while its message is with the first.
        var third = Enumerable.Range(0, 1000).Select(static i => $"third{i}").First(name => TakesOver(name, key));
        _rig.Permit(_rig.Subscribe(third, type: SubscriptionType.KeyShared, settings: s_lease), 10);
        _rig.Publish(producer, Batches.Make("p", 1, 1, keyOf: _ => key));
        var found = _rig.Explain();
        Assert.Equal((WaitReason.KeyHeldBy, 1, "first"), (found.Reason, found.NextOffset, found.Holder));
        _rig.Ack(first, 0, 0);
        Assert.Equal((WaitReason.LeasedBy, 1, third), (_rig.Explain().Reason, _rig.Explain().NextOffset, _rig.Explain().Holder));

        Consumer? Owner(string text) => first.Subscription!.Slots!.OwnerOf(SlotOf(text));

        bool TakesOver(string name, string text)
        {
            using var other = new PartitionRig();
            other.Subscribe("first", type: SubscriptionType.KeyShared, settings: s_lease);
            var newcomer = other.Subscribe(name, type: SubscriptionType.KeyShared, settings: s_lease);
            return newcomer.Subscription!.Slots!.OwnerOf(SlotOf(text)) == newcomer;
        }

        static int SlotOf(string text) => KeySlots.SlotOf(System.Text.Encoding.UTF8.GetBytes(text), 0);
    }

    [Fact]
    public void On_a_key_shared_subscription_the_owner_of_what_waits_is_named()
    {
        var peer = new FakePeer();
        var consumer = _rig.Subscribe("c", type: SubscriptionType.KeyShared, peer: peer, settings: s_lease);
        _rig.Permit(consumer, 2);
        _rig.Fill(3);
        _rig.Nack(consumer, 1, 1);
        Assert.Equal((WaitReason.NoPermits, 1, "c"), (_rig.Explain().Reason, _rig.Explain().NextOffset, _rig.Explain().Holder));
        peer.HasSpace = false;
        _rig.Permit(consumer, 2);
        Assert.Equal((WaitReason.ConsumerNotReading, 1, "c"), (_rig.Explain().Reason, _rig.Explain().NextOffset, _rig.Explain().Holder));
        peer.HasSpace = true;
        _rig.Wake();
        _rig.Nack(consumer, 0, 0, delay: 5_000);
        _rig.Ack(consumer, 1, 2);
        Assert.Equal((WaitReason.BackOffUntil, 0, UnixMicroseconds.ToTime(_rig.Now + 5_000)),
            (_rig.Explain().Reason, _rig.Explain().NextOffset, _rig.Explain().Until));
    }

    [Fact]
    public void On_a_failover_subscription_only_the_active_consumer_counts()
    {
        var active = _rig.Subscribe("active", type: SubscriptionType.Failover);
        _rig.Permit(_rig.Subscribe("standby", type: SubscriptionType.Failover), 10);
        _rig.Fill(1);
        var found = _rig.Explain();
        Assert.Equal((WaitReason.NoPermits, "active"), (found.Reason, found.Holder));
        Assert.Equal([true, false], found.Consumers.Select(static c => c.IsActive));
        _rig.Detach(active);
        Assert.Equal((WaitReason.LeasedBy, "standby"), (_rig.Explain().Reason, _rig.Explain().Holder));
    }

    [Fact]
    public void DeadLetterWaiting_says_why_its_topic_does_not_take_it()
    {
        var consumer = _rig.Subscribe("c", settings: new() { MaxDeliveries = 1, DeadLetterTopic = "dead" });
        _rig.Permit(consumer, 10);
        _rig.Fill(1);
        _rig.Nack(consumer, 0, 0);
        Assert.Equal((WaitReason.DeadLetterWaiting, 0, null), (_rig.Explain().Reason, _rig.Explain().NextOffset, _rig.Explain().Detail));
        _letters.Answer(_rig, "StorageFull");
        Assert.Equal((WaitReason.DeadLetterWaiting, "StorageFull"), (_rig.Explain().Reason, _rig.Explain().Detail));
        _rig.Now += 1_000_000;
        _rig.Wake();
        _letters.Answer(_rig, null);
        Assert.Equal(WaitReason.NothingToDeliver, _rig.Explain().Reason);
        Assert.Equal((0, 1), (_rig.Partition.Counters.Acked, _rig.Partition.Counters.DeadLettered));
    }

    [Theory]
    [InlineData(SubscriptionType.Shared)]
    [InlineData(SubscriptionType.Exclusive)]
    public void BackOffUntil_says_when(SubscriptionType type)
    {
        var consumer = _rig.Subscribe("c", type: type);
        _rig.Permit(consumer, 10);
        _rig.Fill(3);
        _rig.Nack(consumer, 2, 2, delay: 1_000);
        _rig.Nack(consumer, 0, 1, delay: 2_000);
        var due = UnixMicroseconds.ToTime(_rig.Now + 2_000);
        var found = _rig.Explain();
        Assert.Equal((WaitReason.BackOffUntil, 0, due), (found.Reason, found.NextOffset, found.Until));
        _rig.Now += 1_000;
        _rig.Wake();
        Assert.Equal(type == SubscriptionType.Shared ? 1 : 0, consumer.Unacked);
        Assert.Equal(WaitReason.BackOffUntil, _rig.Explain().Reason);
        _rig.Now += 1_000;
        _rig.Wake();
        Assert.Equal(WaitReason.LeasedBy, _rig.Explain().Reason);
    }

    [Fact]
    public void DelayedUntil_says_what_comes_next_and_when()
    {
        using var rig = new DelayRig();
        var consumer = rig.Rig.Subscribe("c");
        rig.Rig.Permit(consumer, 10);
        rig.Publish(3_000, 1_000, 2_000);
        var now = rig.Rig.Now;
        Assert.Equal((1, now + 1_000), Find());
        rig.Reschedule(1, 5_000);
        Assert.Equal((2, now + 2_000), Find());
        rig.Cancel(2);
        Assert.Equal((0, now + 3_000), Find());
        rig.Rig.Detach(consumer);
        rig.Cancel(0);
        Assert.Equal((1, now + 5_000), Find());
        rig.Rig.Now += 5_000;
        rig.Rig.Wake();
        Assert.Equal((WaitReason.NoConsumer, 1), (rig.Rig.Explain().Reason, rig.Rig.Explain().NextOffset));

        (long, long) Find()
        {
            var found = rig.Rig.Explain();
            Assert.Equal(WaitReason.DelayedUntil, found.Reason);
            return (found.NextOffset!.Value, UnixMicroseconds.From(found.Until!.Value));
        }
    }

    [Fact]
    public void MaxOutstanding_when_enough_is_delivered_and_not_acked()
    {
        var consumer = _rig.Subscribe("c");
        _rig.Permit(consumer, 100);
        _rig.Fill(10);
        var found = _rig.Explain();
        Assert.Equal((WaitReason.MaxOutstanding, 5, 0), (found.Reason, found.NextOffset, found.OldestUnackedOffset));
    }

    [Fact]
    public void QuotaRefusesProducers_names_the_subscription_that_is_behind()
    {
        using var rig = new PartitionRig(new PartitionSettings { Policy = new() { BacklogQuota = new(1) } });
        rig.Detach(rig.Subscribe("x", subscription: "slow"));
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 10);
        rig.Fill(3);
        rig.Ack(consumer, 0, 2);
        var found = rig.Explain();
        Assert.Equal((WaitReason.QuotaRefusesProducers, null), (found.Reason, found.NextOffset));
        Assert.Contains("'slow'", found.Detail, StringComparison.Ordinal);
        Assert.Equal(WaitReason.NoConsumer, rig.Explain("slow").Reason);
    }

    [Fact]
    public void QuotaRefusesProducers_when_there_was_no_room_a_moment_ago()
    {
        _rig.Subscribe("c");
        _rig.Log.IsFull = true;
        _rig.Fill(1);
        Assert.Equal(WaitReason.QuotaRefusesProducers, _rig.Explain().Reason);
        _rig.Now += 30_000_000;
        Assert.Equal(WaitReason.NothingToDeliver, _rig.Explain().Reason);
    }

    [Fact]
    public void NotYetDurable_while_the_commit_runs()
    {
        _rig.Permit(_rig.Subscribe("c"), 10);
        _rig.Commits = false;
        _rig.Log.HoldsCommits = true;
        _rig.Fill(1);
        Assert.True(_rig.Partition.NeedsCommit);
        var committing = _rig.Partition.CommitAsync(CancellationToken.None);
        Assert.False(committing.IsCompleted);
        Assert.Equal((WaitReason.NotYetDurable, 0), (_rig.Explain().Reason, _rig.Explain().NextOffset));
    }

    [Fact]
    public void StorageFailed_when_the_partition_is_offline()
    {
        _rig.Subscribe("c");
        _rig.Do(new(CommandKind.StorageFailed) { Detail = "planted" });
        Assert.Equal(WaitReason.StorageFailed, _rig.Explain().Reason);
    }

    [Fact]
    public void A_subscription_that_is_not_there_is_not_explained()
    {
        var peer = new FakePeer();
        _rig.Partition.Handle(new(CommandKind.Explain) { Detail = new ExplanationCollector(peer, 7, "t", "nobody", 1) }, _rig.Now);
        Assert.Equal(ErrorCode.SubscriptionNotFound, peer.Single<ErrorFrame>().Code);
        _rig.Do(new(CommandKind.Delete));
        _rig.Partition.Handle(new(CommandKind.Explain) { Detail = new ExplanationCollector(peer, 7, "t", "nobody", 1) }, _rig.Now);
        Assert.Equal(ErrorCode.TopicDeleted, peer.Single<ErrorFrame>().Code);
    }

    [Fact]
    public void Every_reason_has_a_sentence_of_its_own()
    {
        var sentences = Enum.GetValues<WaitReason>().Select(static reason =>
            new PartitionExplanation(0, 1, 3, TimeSpan.Zero, 3, reason, "c", DateTimeOffset.UnixEpoch, null, []).Sentence).ToList();
        Assert.Equal(sentences.Count, sentences.Distinct().Count());
        Assert.All(sentences, static s => Assert.DoesNotContain("does not know", s, StringComparison.Ordinal));
        Assert.Contains("does not know (999)", new PartitionExplanation(0, 1, 3, null, 3, (WaitReason)999, null, null, null, []).Sentence,
            StringComparison.Ordinal);
    }

    /// <summary>A dead-letter topic that answers when it is told to.</summary>
    private sealed class Letters : IDeadLetterPort
    {
        private DeadLetter? _last;

        public void HandOver(string topic, IReadOnlyList<DeadLetter> letters, Action<PartitionCommand> answer) =>
            _last = Assert.Single(letters);

        public void Answer(PartitionRig rig, string? error) =>
            rig.Do(new(CommandKind.DeadLetterAnswered) { Detail = new DeadLetterAnswer(_last!, error) });
    }
}
