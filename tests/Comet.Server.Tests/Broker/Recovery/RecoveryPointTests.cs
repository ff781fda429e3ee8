using Comet.Server.Broker;

namespace Comet.Server.Tests.Broker;

/// <summary>When a point to recover from is saved, and when it is not believed.</summary>
public sealed class RecoveryPointTests
{
    private const long Second = 1_000_000;

    private readonly FakeStore _store = new();
    private ScriptedLog _log = new();

    [Fact]
    public void A_point_is_saved_when_enough_was_appended_and_is_durable_and_one_at_a_time()
    {
        var machine = Open(maxBytes: 1);
        machine.Commits = false;
        Publish(machine, "p", 2);
        machine.Handle(new(CommandKind.Wake));
        Assert.Null(_store.Point);
        machine.Commits = true;
        _store.IsHeld = true;
        machine.Handle(new(CommandKind.Wake));
        Publish(machine, "p", 1);
        Publish(machine, "p", 1);
        Assert.Equal(1, _store.Pending);
        _store.Complete();
        Assert.Equal(2, _store.Point!.Offset);
        machine.Handle(new(CommandKind.Wake));
        machine.Now += 11 * Second;
        machine.Handle(new(CommandKind.Wake));
        _store.Complete();
        Assert.Equal(4, _store.Point.Offset);
    }

    [Fact]
    public void A_point_is_saved_in_a_while_however_little_was_appended_and_none_when_nothing_was()
    {
        var machine = Open();
        Assert.Equal(long.MaxValue, machine.Partition.NextDue);
        Publish(machine, "p", 1);
        Assert.Equal(machine.Now + (10 * Second), machine.Partition.NextDue);
        machine.Now += 10 * Second;
        machine.Handle(new(CommandKind.Wake));
        Assert.Equal((1, long.MaxValue), (_store.Point!.Offset, machine.Partition.NextDue));
    }

    [Theory]
    [InlineData(CommandKind.Rest)]
    [InlineData(CommandKind.Shutdown)]
    public void A_partition_that_lets_go_of_its_files_saves_a_point(object kind)
    {
        var machine = Open();
        Publish(machine, "p", 1);
        machine.Handle(new((CommandKind)kind) { Detail = (Action)(static () => { }) });
        Assert.Equal(1, _store.Point!.Offset);
    }

    /// <summary>A point leaves out what was cancelled and moved; without those, a crash would deliver what was cancelled.</summary>
    [Fact]
    public void A_point_is_saved_behind_the_cancels_that_it_leaves_out()
    {
        var machine = Open(maxBytes: 1);
        machine.Publish("p", 2, i => (machine.Now + (60 * Second), null));
        machine.Handle(new(CommandKind.Wake));
        Assert.Equal(2, _store.Point!.Offset);
        _store.IsHeld = true;
        machine.Ask(new CancelRequest(machine.Peer, 0, null));
        machine.Ask(new CancelRequest(machine.Peer, 1, null));
        Publish(machine, "p", 1);
        machine.Handle(new(CommandKind.Wake));
        _store.Lose();
        machine.Restart();
        Assert.Equal((2, 0), (machine.Partition.Delays.Count, machine.Partition.Delays.Cancelled.Count));
    }

    [Fact]
    public void When_a_point_cannot_be_saved_the_partition_goes_on_without()
    {
        var machine = Open(maxBytes: 1);
        _store.IsHeld = true;
        Publish(machine, "p", 1);
        machine.Handle(new(CommandKind.Wake));
        _store.Complete(new IOException("no"));
        Publish(machine, "p", 1);
        machine.Handle(new(CommandKind.Wake));
        Assert.Equal((0, 2), (_store.Pending, _log.StableOffset));
    }

    [Fact]
    public void A_point_of_a_log_that_was_cut_and_written_on_is_not_believed()
    {
        var machine = Open(maxBytes: 1);
        Publish(machine, "p", 2);
        Publish(machine, "p", 3);
        machine.Now += 11 * Second;
        machine.Handle(new(CommandKind.Wake));
        Assert.Equal(5, _store.Point!.Offset);
        _store.IsHeld = true;
        _log = Cut(_log, 2);
        machine.Restart();
        _store.Lose();
        Assert.Equal(1, machine.Partition.Producers.Find("p")!.LastSequence);
        // As many messages as before, and the same; but of another run.
        machine.Epoch = 2;
        machine.Restart();
        _store.Lose();
        machine.Publish("q", 3, static _ => (0, null));
        _store.Lose();
        Assert.Equal(5, _store.Point.Offset);
        machine.Restart();
        Assert.Equal((1, 2), (machine.Partition.Producers.Find("p")!.LastSequence, machine.Partition.Producers.Find("q")!.LastSequence));
    }

    /// <summary>Otherwise what gets those offsets later would be acked or cancelled before it is there.</summary>
    [Fact]
    public void What_was_saved_about_messages_that_are_lost_is_taken_back_before_others_have_their_offsets()
    {
        using var rig = new PartitionRig(new() { Store = _store }, log: _log);
        var producer = rig.Attach("p");
        var consumer = rig.Subscribe("c");
        rig.Permit(consumer, 10);
        for (var i = 0; i < 4; i++)
            rig.Publish(producer, Batches.MakeDelayed("p", i, [(i < 2 ? rig.Now + Second : 0, null)]));
        rig.Do(new(CommandKind.Schedule) { Detail = new CancelRequest(new FakePeer(), 1, null) });
        rig.Do(new(CommandKind.Schedule) { Detail = new RescheduleRequest(new FakePeer(), 0, rig.Now + (2 * Second)) });
        rig.Ack(consumer, 2, 3);
        TakeIn(rig);
        Assert.Equal((1, 1), (_store.Load().Cancelled.Count, _store.Load().Moved.Count));
        _log = Cut(_log, 1);
        using var later = new PartitionRig(new() { Store = _store }, log: _log);
        later.Wake();
        var state = _store.Load();
        Assert.Equal((0, 1), (state.Cancelled.Count, state.Moved.Count));
        var cursor = Assert.Single(state.Subscriptions).Cursor;
        Assert.Equal((0, 0), (cursor.AckedUpTo, cursor.Acked.Count));
    }

    private static void TakeIn(PartitionRig rig)
    {
        while (rig.Inbox.TryDequeue(out var command))
            rig.Do(command);
    }

    private static void Publish(RecoveryMachine machine, string name, int count) => machine.Publish(name, count, static _ => (0, null));

    private static ScriptedLog Cut(ScriptedLog log, long endOffset)
    {
        var cut = new ScriptedLog();
        for (var at = 0L; at < endOffset && log.TryRead(at, out var batch); at = batch.LastOffset + 1)
            Assert.True(cut.TryAppend(new(batch.Header.OwnershipEpoch), batch.Bytes.Span, batch.Header, batch.Header.AppendTime));
        Assert.True(cut.CommitAsync(default, CancellationToken.None).AsTask().IsCompletedSuccessfully);
        return cut;
    }

    private RecoveryMachine Open(long maxBytes = 1 << 20) =>
        new(() => _log, new() { Store = _store, MaxBytesBehindPoint = maxBytes });
}
