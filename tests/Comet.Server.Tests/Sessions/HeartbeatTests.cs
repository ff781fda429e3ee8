using Comet.Wire;

namespace Comet.Server.Tests.Sessions;

public sealed class HeartbeatTests : IAsyncLifetime
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(10);

    private readonly Microsoft.Extensions.Time.Testing.FakeTimeProvider _time = new();
    private CometBroker _broker = null!;

    public ValueTask InitializeAsync()
    {
        _broker = new CometBroker(new CometServerOptions { HeartbeatInterval = s_interval, DrainTimeout = TimeSpan.Zero }, _time);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _broker.DisposeAsync();

    [Fact]
    public async Task A_peer_that_is_silent_for_three_heartbeats_is_ended_and_one_that_answers_is_not()
    {
        await using var silent = await RawClient.ConnectAsync(_broker);
        await using var lively = await RawClient.ConnectAsync(_broker);
        await silent.CreateProducerAsync("t", "s", ProducerAccessMode.Exclusive);
        // The first interval has seen the handshake; three silent ones follow it.
        for (var beat = 1; beat <= 4; beat++)
        {
            Assert.False(silent.Served.IsCompleted);
            await lively.SettleAsync();
            _time.Advance(s_interval);
            Assert.Equal(FrameType.Ping, (await lively.NextOrEndAsync())!.Type);
        }
        Assert.Equal(ErrorCode.HeartbeatTimeout, await silent.EndAsync());
        // What it had is free.
        await lively.CreateProducerAsync("t", "l", ProducerAccessMode.Exclusive);
    }

    [Fact]
    public async Task Each_heartbeat_brings_a_ping_and_the_progress_of_each_consumer()
    {
        await using var client = await RawClient.ConnectAsync(_broker);
        await client.PublishAsync(await client.CreateProducerAsync("t"), 0, 10);
        var consumer = (await client.SubscribeAsync(BrokerTest.Subscribe("t"))).ConsumerId;
        await client.SendAsync(new PermitsFrame(consumer, 6, 1000));
        await client.ReceiveAsync(consumer, 6);
        await client.AskAsync(new AckFrame(consumer, false, [0, 1]));
        _time.Advance(s_interval);
        Assert.Equal(FrameType.Ping, (await client.NextOrEndAsync())!.Type);
        var progress = (await client.NextOrEndAsync())!.Read<ConsumerProgressFrame>();
        Assert.Equal((consumer, 5, 0, 8), (progress.ConsumerId, progress.LastDispatchedOffset, progress.PermitMessages, progress.Backlog));
    }
}
