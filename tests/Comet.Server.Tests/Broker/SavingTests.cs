using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>What is answered when what it promises is saved, and not before.</summary>
public sealed class SavingTests : IDisposable
{
    private readonly FakeStore _store = new();
    private readonly PartitionRig _rig;

    public SavingTests() => _rig = new PartitionRig(new PartitionSettings { Store = _store });

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void An_ack_is_confirmed_when_its_cursor_is_saved()
    {
        var consumer = Attached();
        _store.IsHeld = true;
        _rig.Ack(consumer, 0, 1);
        Assert.Equal((1, 0), (_store.Pending, Confirms(consumer)));
        // Acks that come meanwhile share the next save.
        _rig.Ack(consumer, 2, 2);
        _rig.Ack(consumer, 4, 4);
        Assert.Equal((1, 0), (_store.Pending, Confirms(consumer)));
        Complete();
        Assert.Equal((1, 1, 2), (_store.Pending, Confirms(consumer), Saved().AckedUpTo));
        Complete();
        Assert.Equal((0, 3, 3), (_store.Pending, Confirms(consumer), Saved().AckedUpTo));
        Assert.Equal([new OffsetRange(4, 4)], Saved().Acked);
    }

    [Fact]
    public void An_ack_that_changes_nothing_is_confirmed_without_a_save_but_not_before_the_one_that_did()
    {
        var consumer = Attached();
        _store.IsHeld = true;
        _rig.Ack(consumer, 0, 1);
        _rig.Ack(consumer, 0, 1);
        Assert.Equal((1, 0), (_store.Pending, Confirms(consumer)));
        Complete();
        Assert.Equal((0, 2), (_store.Pending, Confirms(consumer)));
    }

    [Fact]
    public void An_ack_that_nobody_waits_for_is_saved_in_a_while()
    {
        var consumer = Attached();
        var saves = _store.Saves;
        Quietly(new(CommandKind.Ack) { Consumer = consumer, Ranges = [0, 1] });
        Assert.Equal((saves, _rig.Now + _store.Patience), (_store.Saves, _rig.Partition.NextDue));
        Quietly(new(CommandKind.Ack) { Consumer = consumer, Ranges = [2, 2] });
        Assert.Equal(saves, _store.Saves);
        _rig.Now += _store.Patience;
        _rig.Wake();
        TakeIn();
        Assert.Equal((saves + 1, 3), (_store.Saves, Saved().AckedUpTo));
        // Nothing is left but to save a point some time.
        Assert.Equal(_rig.Now - _store.Patience + 10_000_000, _rig.Partition.NextDue);
    }

    [Fact]
    public void A_consumer_is_attached_when_its_subscription_is_saved()
    {
        _store.IsHeld = true;
        var consumer = _rig.Subscribe("c");
        var other = _rig.Subscribe("d");
        Assert.Empty(((FakePeer)consumer.Peer).Sent);
        Complete();
        Assert.Single(((FakePeer)consumer.Peer).Sent, static sent => sent.Frame is SubscribedFrame);
        Assert.Single(((FakePeer)other.Peer).Sent, static sent => sent.Frame is SubscribedFrame);
        var third = _rig.Subscribe("e");
        Assert.Single(((FakePeer)third.Peer).Sent, static sent => sent.Frame is SubscribedFrame);
    }

    [Fact]
    public void A_consumer_that_goes_while_it_waits_is_not_attached_later()
    {
        _store.IsHeld = true;
        var consumer = _rig.Subscribe("c");
        _rig.Detach(consumer);
        Complete();
        Assert.DoesNotContain(((FakePeer)consumer.Peer).Sent, static sent => sent.Frame is SubscribedFrame);
        Assert.Equal(0, _rig.Describe("s").Consumers);
    }

    [Fact]
    public void Readers_and_ephemeral_subscriptions_are_not_saved()
    {
        _rig.Subscribe("c", "e", kind: SubscriptionKind.Ephemeral);
        _rig.Subscribe("r", "r", kind: SubscriptionKind.Reader);
        Assert.Equal(0, _store.Saves);
    }

    [Fact]
    public void A_seek_and_the_end_of_a_subscription_are_told_when_they_are_saved()
    {
        var consumer = Attached();
        _store.IsHeld = true;
        var peer = _rig.Seek("s", StartPosition.FromOffset(3));
        Assert.Empty(peer.Sent);
        Complete();
        Assert.Equal((3, 3), (peer.Single<SoughtFrame>().NextOffset, Saved().AckedUpTo));
        _rig.Detach(consumer);
        _rig.Unsubscribe("s");
        Complete();
        Assert.Empty(_store.Load().Subscriptions);
    }

    [Fact]
    public void What_was_dropped_before_its_ack_was_saved_is_no_backlog_of_the_next_process()
    {
        _rig.Fill(1, 2, 2);
        var consumer = _rig.Subscribe("c");
        TakeIn();
        _rig.Permit(consumer, 100);
        _store.IsHeld = true;
        _rig.Ack(consumer, 0, 2);
        _rig.Log.TruncateBefore(default, 3);
        _store.Lose();
        using var next = new PartitionRig(new PartitionSettings { Store = _store }, log: _rig.Log);
        var described = next.Describe("s");
        Assert.Equal((3, 2), (described.AckedUpTo, described.Backlog));
    }

    [Fact]
    public void A_save_that_fails_confirms_nothing_and_ends_the_partition()
    {
        var consumer = Attached();
        _store.IsHeld = true;
        _rig.Ack(consumer, 0, 1);
        _store.Complete(new IOException("no disk"));
        var failure = Assert.Throws<CometException>(TakeIn);
        Assert.Equal(ErrorCode.StorageFailed, failure.Code);
        // As its owner does.
        _rig.Partition.Handle(new(CommandKind.StorageFailed) { Detail = failure.Message }, _rig.Now);
        Assert.Equal(0, Confirms(consumer));
        Assert.Contains(((FakePeer)consumer.Peer).Sent, static sent => sent.Frame is ErrorFrame { Code: ErrorCode.StorageFailed });
    }

    private Consumer Attached()
    {
        _rig.Fill(5);
        var consumer = _rig.Subscribe("c");
        TakeIn();
        _rig.Permit(consumer, 100);
        PartitionRig.TakeDelivered(consumer);
        return consumer;
    }

    private CursorState Saved() => Assert.Single(_store.Load().Subscriptions).Cursor;

    private static int Confirms(Consumer consumer) => ((FakePeer)consumer.Peer).Sent.Count(static sent => sent.Frame is OkFrame);

    private void Complete()
    {
        _store.Complete();
        TakeIn();
    }

    private void Quietly(PartitionCommand command)
    {
        _rig.Partition.Handle(command, _rig.Now);
        _rig.Partition.Advance(_rig.Now);
    }

    /// <summary>What has come back to the partition.</summary>
    private void TakeIn()
    {
        while (_rig.Inbox.TryDequeue(out var command))
            Quietly(command);
    }
}
