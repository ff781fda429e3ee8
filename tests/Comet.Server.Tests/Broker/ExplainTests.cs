using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>Why is nothing arriving? One test for each reason.</summary>
public sealed class ExplainTests : IDisposable
{
    private readonly PartitionRig _rig = new(new PartitionSettings { MaxOutstandingMessages = 5 });

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
    public void MaxOutstanding_when_enough_is_delivered_and_not_acked()
    {
        var consumer = _rig.Subscribe("c");
        _rig.Permit(consumer, 100);
        _rig.Fill(10);
        var found = _rig.Explain();
        Assert.Equal((WaitReason.MaxOutstanding, 5, 0), (found.Reason, found.NextOffset, found.OldestUnackedOffset));
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
            new PartitionExplanation(0, 1, 3, TimeSpan.Zero, 3, reason, "c", DateTimeOffset.UnixEpoch, []).Sentence).ToList();
        Assert.Equal(sentences.Count, sentences.Distinct().Count());
        Assert.All(sentences, static s => Assert.DoesNotContain("does not know", s, StringComparison.Ordinal));
        Assert.Contains("does not know (999)", new PartitionExplanation(0, 1, 3, null, 3, (WaitReason)999, null, null, []).Sentence,
            StringComparison.Ordinal);
    }
}
