using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

public sealed class ProducerTableTests
{
    private readonly ProducerTable _table = new(maxRemembered: 100, ttl: long.MaxValue / 2);
    private ulong _correlationId;
    private long _now;

    [Fact]
    public void Shared_producers_stand_beside_each_other()
    {
        Assert.Equal((-1, 1), Ready(Attach("a", ProducerAccessMode.Shared)));
        Assert.Equal((-1, 1), Ready(Attach("b", ProducerAccessMode.Shared)));
        Assert.Equal(2, _table.AttachedCount);
    }

    [Fact]
    public void An_exclusive_producer_is_refused_while_there_are_others_and_refuses_others()
    {
        var first = Attach("a", ProducerAccessMode.Shared);
        var refused = Attach("b", ProducerAccessMode.Exclusive);
        Assert.Equal(ErrorCode.ProducerBusy, Peer(refused).Single<ErrorFrame>().Code);
        Assert.Equal([refused], Peer(refused).Forgotten);
        _table.Detach(first, ++_now);
        Ready(Attach("b", ProducerAccessMode.Exclusive));
        Assert.Equal(ErrorCode.ProducerBusy, Peer(Attach("c", ProducerAccessMode.Shared)).Single<ErrorFrame>().Code);
        Assert.Equal(ErrorCode.ProducerBusy, Peer(Attach("c", ProducerAccessMode.Exclusive)).Single<ErrorFrame>().Code);
        Assert.Equal(1, _table.AttachedCount);
    }

    [Fact]
    public void Who_waits_for_exclusive_is_admitted_when_the_last_other_has_gone_and_in_turn()
    {
        var (a, b) = (Attach("a", ProducerAccessMode.Shared), Attach("b", ProducerAccessMode.Shared));
        var (first, second) = (Attach("w1", ProducerAccessMode.WaitForExclusive), Attach("w2", ProducerAccessMode.WaitForExclusive));
        Assert.Equal(ErrorCode.ProducerBusy, Peer(Attach("late", ProducerAccessMode.Shared)).Single<ErrorFrame>().Code);
        _table.Detach(a, ++_now);
        Assert.Empty(Peer(first).Sent);
        _table.Detach(b, ++_now);
        Ready(first);
        Assert.Empty(Peer(second).Sent);
        _table.Detach(first, ++_now);
        Ready(second);
    }

    [Fact]
    public void Who_stops_waiting_is_not_admitted()
    {
        var a = Attach("a", ProducerAccessMode.Exclusive);
        var (first, second) = (Attach("w1", ProducerAccessMode.WaitForExclusive), Attach("w2", ProducerAccessMode.WaitForExclusive));
        _table.Detach(first, ++_now);
        _table.Detach(a, ++_now);
        Assert.Empty(Peer(first).Sent);
        Ready(second);
    }

    [Fact]
    public void A_newer_producer_of_the_same_name_takes_over_and_the_older_one_is_told()
    {
        var older = Attach("a", ProducerAccessMode.Exclusive);
        Ready(older);
        older.Memory!.Remember(0, 10, 0);
        var newer = Attach("a", ProducerAccessMode.Exclusive);
        Assert.Equal((9, 2), Ready(newer));
        Assert.Equal(ErrorCode.ProducerFenced, Peer(older).Single<ProducerClosedFrame>().Code);
        Assert.False(older.IsAttached);
        Assert.Equal([older], Peer(older).Forgotten);
    }

    [Fact]
    public void A_namesake_that_is_refused_fences_nobody()
    {
        var older = Attach("a", ProducerAccessMode.Shared);
        Attach("b", ProducerAccessMode.Shared);
        Ready(older);
        Assert.Equal(ErrorCode.ProducerBusy, Peer(Attach("a", ProducerAccessMode.Exclusive)).Single<ErrorFrame>().Code);
        Assert.True(older.IsAttached);
        Assert.Empty(Peer(older).Sent);
    }

    [Theory]
    [InlineData(ProducerAccessMode.Shared)]
    [InlineData(ProducerAccessMode.Exclusive)]
    [InlineData(ProducerAccessMode.WaitForExclusive)]
    public void A_producer_that_reconnects_has_its_place_before_those_that_wait(ProducerAccessMode mode)
    {
        var older = Attach("a", mode);
        var waiting = Attach("w", ProducerAccessMode.WaitForExclusive);
        var newer = Attach("a", mode);
        Ready(newer);
        Assert.False(older.IsAttached);
        Assert.Empty(Peer(waiting).Sent);
        _table.Detach(newer, ++_now);
        Ready(waiting);
    }

    [Fact]
    public void A_name_is_remembered_when_its_producer_has_gone_and_others_have_come()
    {
        var table = new ProducerTable(maxRemembered: 2, ttl: long.MaxValue / 2);
        Remember(table, "a", 10);
        Remember(table, "b", 20);
        // Those that are attached do not count: they are not gone.
        for (var i = 0; i < 5; i++)
            table.Attach(New($"attached{i}", ProducerAccessMode.Shared), ++_correlationId, ++_now);
        Assert.Equal((9, 2), Return(table, "a"));
        Assert.Equal((19, 2), Return(table, "b"));
    }

    [Fact]
    public void Beyond_the_limit_the_name_that_is_longest_gone_is_forgotten()
    {
        var table = new ProducerTable(maxRemembered: 2, ttl: long.MaxValue / 2);
        Remember(table, "a", 10);
        Remember(table, "b", 20);
        Remember(table, "c", 30);
        Assert.Equal((-1, 1), Return(table, "a"));
        Assert.Equal((19, 2), Return(table, "b"));
        Assert.Equal((29, 2), Return(table, "c"));
    }

    [Fact]
    public void When_all_are_closed_the_attached_and_the_waiting_are_told()
    {
        var attached = Attach("a", ProducerAccessMode.Exclusive);
        Ready(attached);
        var waiting = Attach("w", ProducerAccessMode.WaitForExclusive);
        _table.CloseAll(ErrorCode.TopicDeleted, "gone");
        Assert.Equal(ErrorCode.TopicDeleted, Peer(attached).Single<ProducerClosedFrame>().Code);
        Assert.Equal(ErrorCode.TopicDeleted, Peer(waiting).Single<ErrorFrame>().Code);
        Assert.Equal([waiting], Peer(waiting).Forgotten);
        Assert.Equal(0, _table.AttachedCount);
    }

    private Producer Attach(string name, ProducerAccessMode mode)
    {
        var producer = New(name, mode);
        _table.Attach(producer, ++_correlationId, ++_now);
        return producer;
    }

    private void Remember(ProducerTable table, string name, int count)
    {
        var producer = New(name, ProducerAccessMode.Shared);
        table.Attach(producer, ++_correlationId, ++_now);
        producer.Memory!.Remember(0, count, 0);
        table.Detach(producer, ++_now);
    }

    private (long LastSequence, long Epoch) Return(ProducerTable table, string name)
    {
        var producer = New(name, ProducerAccessMode.Shared);
        table.Attach(producer, ++_correlationId, ++_now);
        return Ready(producer);
    }

    internal static Producer New(string name, ProducerAccessMode mode) => new(new FakePeer(), 1, name, mode, null);

    internal static FakePeer Peer(Producer producer) => (FakePeer)producer.Peer;

    private static (long LastSequence, long Epoch) Ready(Producer producer)
    {
        var ready = Peer(producer).Single<ProducerReadyFrame>();
        Assert.True(producer.IsAttached);
        return (ready.LastSequenceId, ready.ProducerEpoch);
    }
}
