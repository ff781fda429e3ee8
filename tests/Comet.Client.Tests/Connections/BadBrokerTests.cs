using Comet.Client.Tests.Scripted;
using Comet.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Tests.Connections;

public class BadBrokerTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_broker_that_falls_silent_is_left_after_three_heartbeats_and_not_before()
    {
        var broker = new ScriptedBroker { HeartbeatMilliseconds = 1000 };
        var time = new FakeTimeProvider();
        await using var client = await CometClient.ConnectAsync(
            new CometClientOptions { Transport = broker, TimeProvider = time }, Cancelled);
        var session = await broker.Sessions.ReadAsync(Cancelled);
        broker.Answers = false;
        var ping = client.PingAsync(Cancelled);
        // Welcome itself was a sign of life for the first interval.
        for (var beats = 0; beats < 3; beats++)
            time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(ping.IsCompleted);

        time.Advance(TimeSpan.FromSeconds(1));

        var lost = await Assert.ThrowsAsync<CometException>(() => ping);
        Assert.Equal(ErrorCode.HeartbeatTimeout, lost.Code);
        await session.Ended;
        await broker.Sessions.ReadAsync(Cancelled);
    }

    [Fact]
    public async Task Each_heartbeat_the_client_shows_that_it_lives()
    {
        var broker = new ScriptedBroker();
        var time = new FakeTimeProvider();
        await using var client = await CometClient.ConnectAsync(
            new CometClientOptions { Transport = broker, TimeProvider = time }, Cancelled);
        var session = await broker.Sessions.ReadAsync(Cancelled);
        time.Advance(TimeSpan.FromSeconds(1));
        await session.ExpectAsync(FrameType.Ping);
        session.Send(default(PingFrame), 77);
        Assert.Equal(77UL, (await session.ExpectAsync(FrameType.Pong)).CorrelationId);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(75)]
    public async Task A_corrupt_batch_faults_the_consumer_with_CorruptBatch_behind_what_was_good(int damagedByte)
    {
        var broker = new ScriptedBroker();
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker }, Cancelled);
        await using var consumer = await client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        var session = await broker.Sessions.ReadAsync(Cancelled);
        var damaged = ScriptedBatch.Create(1, "bad");
        damaged[damagedByte] ^= 1;
        session.Send(new DeliverFrame(1, 1), 0, ScriptedBatch.Create(0, "good"));
        session.Send(new DeliverFrame(1, 1), 0, damaged);
        session.Send(new DeliverFrame(1, 1), 0, ScriptedBatch.Create(2, "behind"));

        Assert.Equal("good", (await consumer.ReceiveAsync(Cancelled)).Value);
        Assert.Equal(ErrorCode.CorruptBatch,
            (await Assert.ThrowsAsync<CometException>(async () => await consumer.ReceiveAsync(Cancelled))).Code);
        Assert.Equal(ErrorCode.CorruptBatch,
            (await Assert.ThrowsAsync<CometException>(async () => await consumer.ReceiveAsync(Cancelled))).Code);
        Assert.Equal(ErrorCode.CorruptBatch, consumer.State.Fault!.Code);
        Assert.Equal(ClientState.Connected, client.State.Current);
    }

    [Fact]
    public async Task Permits_that_two_reports_miss_are_granted_again()
    {
        var broker = new ScriptedBroker();
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker }, Cancelled);
        using var counters = new Counters(CometDiagnostics.ClientMeterName, "stalls");
        await using var consumer = await client.SubscribeAsync<string>("stalls", "s", new() { ReceiveWindowMessages = 100 }, Cancelled);
        var session = await broker.Sessions.ReadAsync(Cancelled);
        var granted = (await session.ExpectAsync(FrameType.Permits)).Read<PermitsFrame>();
        Assert.Equal(100, granted.Messages);

        session.Send(new ConsumerProgressFrame(1, -1, 60, granted.Bytes, 5));
        await client.PingAsync(Cancelled);
        Assert.False(session.HasReceived(FrameType.Permits));
        Assert.Equal(0, counters[CometDiagnostics.ClientStallsRepaired]);
        session.Send(new ConsumerProgressFrame(1, -1, 60, granted.Bytes - 7, 5));

        Assert.Equal(new PermitsFrame(1, 40, 7), (await session.ExpectAsync(FrameType.Permits)).Read<PermitsFrame>());
        Assert.Equal(1, counters[CometDiagnostics.ClientStallsRepaired]);
    }

    [Fact]
    public async Task Permits_are_not_repaired_where_nothing_waits_or_a_delivery_came_between()
    {
        var broker = new ScriptedBroker();
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker }, Cancelled);
        await using var consumer = await client.SubscribeAsync<string>("t", "s", new() { ReceiveWindowMessages = 100 }, Cancelled);
        var session = await broker.Sessions.ReadAsync(Cancelled);
        await session.ExpectAsync(FrameType.Permits);
        foreach (var backlog in new[] { 0, 0, 0, 5 })
            session.Send(new ConsumerProgressFrame(1, -1, 60, 0, backlog));
        session.Send(new DeliverFrame(1, 1), 0, ScriptedBatch.Create(0, "a"));
        session.Send(new ConsumerProgressFrame(1, -1, 60, 0, 5));
        await client.PingAsync(Cancelled);
        Assert.False(session.HasReceived(FrameType.Permits));
    }

    [Fact]
    public async Task A_frame_that_does_not_decode_costs_the_connection_and_the_client_takes_another()
    {
        var broker = new ScriptedBroker();
        await using var client = await CometClient.ConnectAsync(
            new CometClientOptions { Transport = broker, Reconnect = Stage.Impatient }, Cancelled);
        var first = await broker.Sessions.ReadAsync(Cancelled);
        first.Send(new ErrorFrame(ErrorCode.ProtocolViolation, "What was that?", null));
        await broker.Sessions.ReadAsync(Cancelled);
        await client.PingAsync(Cancelled);
    }
}
