using Comet.Client.Tests.Scripted;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Tests.Reconnection;

public class ClientStateTests
{
    private static readonly CometEndpoint s_first = new("first", 1);
    private static readonly CometEndpoint s_second = new("second", 2);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_state_tells_every_change_in_order_and_ends_with_Closed()
    {
        var stage = await Stage.StartAsync();
        await using (stage)
        {
            await using var states = stage.Client.State.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);
            Assert.True(await states.MoveNextAsync());
            Assert.Equal(ClientState.Connected, states.Current);
            await stage.Network.Dials.ReadAsync(Cancelled);
            for (var i = 0; i < 3; i++)
            {
                await stage.Network.CutAsync();
                await stage.Network.Dials.ReadAsync(Cancelled);
                await stage.Client.State.WaitForAsync(ClientState.Connected, Cancelled);
            }
            await stage.Client.DisposeAsync();
            for (var i = 0; i < 6; i++)
            {
                Assert.True(await states.MoveNextAsync());
                Assert.Equal(i % 2 == 0 ? ClientState.Reconnecting : ClientState.Connected, states.Current);
            }
            Assert.True(await states.MoveNextAsync());
            Assert.Equal(ClientState.Closed, states.Current);
            Assert.False(await states.MoveNextAsync());
            var ended = await Assert.ThrowsAsync<CometException>(() => stage.Client.State.WaitForAsync(ClientState.Connected, Cancelled));
            Assert.Equal(ErrorCode.Closed, ended.Code);
        }
    }

    [Fact]
    public async Task The_second_node_is_used_when_the_first_is_gone_and_without_waiting()
    {
        await using var first = new Comet.Server.CometBroker(new() { NodeId = "first" });
        await using var second = new Comet.Server.CometBroker(new() { NodeId = "second" });
        var network = new ScriptedTransport { [s_first] = first.Transport, [s_second] = second.Transport };
        // A clock that stands still: any delay would last for ever.
        var options = new CometClientOptions
        {
            Addresses = [s_first, s_second],
            Transport = network,
            TimeProvider = new FakeTimeProvider()
        };
        await using var client = await CometClient.ConnectAsync(options, Cancelled);
        await using var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        network[s_first] = null;

        await network.CutAsync();

        await producer.SendAsync("a", Cancelled);
        Assert.Equal([s_first, s_second], [await network.Dials.ReadAsync(Cancelled), await network.Dials.ReadAsync(Cancelled)]);
        await using var observer = await CometClient.ConnectAsync(new CometClientOptions { Transport = second.Transport }, Cancelled);
        Assert.Equal(["a"], await Eventually.ReadTopicAsync(observer, "t"));
    }

    [Fact]
    public async Task Connecting_for_the_first_time_tries_each_node_once_and_tells_why_it_failed()
    {
        var network = new ScriptedTransport();
        var options = new CometClientOptions { Addresses = [s_first, s_second], Transport = network };
        var refused = await Assert.ThrowsAsync<CometException>(() => CometClient.ConnectAsync(options, Cancelled));
        Assert.Equal(ErrorCode.ConnectFailed, refused.Code);
        Assert.Equal([s_first, s_second], [await network.Dials.ReadAsync(Cancelled), await network.Dials.ReadAsync(Cancelled)]);
        Assert.False(network.Dials.TryRead(out _));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task After_MaxAttempts_the_client_is_faulted_and_everything_that_waits_fails(int attempts)
    {
        await using var stage = await Stage.StartAsync(options: new() { Reconnect = Stage.Impatient with { MaxAttempts = attempts } });
        await using var producer = await stage.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await using var consumer = await stage.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        stage.Network.Requests.Close();
        var sending = producer.SendAsync("a", Cancelled).AsTask();
        var flushing = producer.FlushAsync(Cancelled);
        var receiving = consumer.ReceiveAsync(Cancelled).AsTask();
        stage.Network.Refuse();
        await stage.Network.CutAsync();

        await stage.Client.State.WaitForAsync(ClientState.Faulted, Cancelled);
        foreach (var waiting in new Task[] { sending, flushing, receiving, stage.Client.PingAsync(Cancelled) })
            Assert.Equal(ErrorCode.ConnectFailed, (await Assert.ThrowsAsync<CometException>(() => waiting)).Code);

        await producer.State.WaitForAsync(ProducerState.Faulted, Cancelled);
        await consumer.State.WaitForAsync(ConsumerState.Faulted, Cancelled);
        Assert.Equal(ErrorCode.ConnectFailed, stage.Client.State.Fault!.Code);
        var dials = 0;
        while (stage.Network.Dials.TryRead(out _))
            dials++;
        Assert.Equal(1 + attempts, dials);
    }

    [Fact]
    public async Task Requests_wait_for_the_next_connection_and_no_longer_than_OperationTimeout()
    {
        var time = new FakeTimeProvider();
        await using var stage = await Stage.StartAsync(options: new() { TimeProvider = time });
        stage.Network.Refuse();
        await stage.Network.CutAsync();
        await stage.Client.State.WaitForAsync(ClientState.Reconnecting, Cancelled);
        var listing = stage.Client.Topics.ListAsync(cancellationToken: Cancelled);
        Assert.False(listing.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(ErrorCode.Timeout, (await Assert.ThrowsAsync<CometException>(() => listing)).Code);
    }

    [Fact]
    public async Task A_broker_that_stops_is_left_and_the_next_one_taken()
    {
        await using var first = new Comet.Server.CometBroker();
        await using var second = new Comet.Server.CometBroker();
        var network = new ScriptedTransport { [s_first] = first.Transport, [s_second] = second.Transport };
        var options = new CometClientOptions { Addresses = [s_first, s_second], Transport = network, Reconnect = Stage.Impatient };
        await using var client = await CometClient.ConnectAsync(options, Cancelled);
        await using var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await producer.SendAsync("a", Cancelled);

        await first.StopAsync(Cancelled);

        Assert.Equal(0, (await producer.SendAsync("b", Cancelled)).Offset);
        await using var observer = await CometClient.ConnectAsync(new CometClientOptions { Transport = second.Transport }, Cancelled);
        Assert.Equal(["b"], await Eventually.ReadTopicAsync(observer, "t"));
    }
}
