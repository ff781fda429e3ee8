using Comet.Transport;
using Comet.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Server.Tests.Sessions;

public sealed class DrainTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new();
    private CometBroker _broker = null!;

    public ValueTask InitializeAsync()
    {
        _broker = new CometBroker(new CometServerOptions { DrainTimeout = TimeSpan.FromSeconds(5), MaxConnections = 3 }, _time);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        var disposing = _broker.DisposeAsync().AsTask();
        // Where a test has failed, a client may still be there: the drain must not wait for it for ever.
        _time.Advance(TimeSpan.FromSeconds(10));
        await disposing.WaitAsync(RawClient.Deadline);
    }

    [Fact]
    public async Task A_stop_tells_clients_to_go_answers_what_they_sent_and_ends_when_they_have_gone()
    {
        var client = await RawClient.ConnectAsync(_broker);
        var producer = await client.CreateProducerAsync("t");
        var stopping = _broker.StopAsync();
        Assert.Equal(ErrorCode.BrokerStopping, (await client.NextAsync()).Read<GoodbyeFrame>().Code);
        Assert.Equal(0, (await client.PublishAsync(producer, 0, 1)).BaseOffset);
        Assert.False(stopping.IsCompleted);
        await client.DisposeAsync();
        await stopping.WaitAsync(RawClient.Deadline);
    }

    [Fact]
    public async Task Who_does_not_go_is_cut_when_the_drain_has_timed_out()
    {
        await using var client = await RawClient.ConnectAsync(_broker);
        var stopping = _broker.StopAsync();
        Assert.Equal(FrameType.Goodbye, (await client.NextAsync()).Type);
        _time.Advance(TimeSpan.FromSeconds(4.9));
        await client.SettleAsync();
        Assert.False(stopping.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Equal(ErrorCode.BrokerStopping, await client.EndAsync());
        await stopping.WaitAsync(RawClient.Deadline);
    }

    [Fact]
    public async Task Who_comes_while_the_broker_stops_is_told_so()
    {
        var client = await RawClient.ConnectAsync(_broker);
        var stopping = _broker.StopAsync();
        await using (var late = RawClient.Open(_broker))
        {
            Assert.Equal(ErrorCode.BrokerStopping, await late.EndAsync());
        }
        var refused = await Assert.ThrowsAsync<CometException>(
            async () => await _broker.Transport.ConnectAsync(CometEndpoint.Parse("comet://any"), CancellationToken.None));
        Assert.Equal(ErrorCode.ConnectFailed, refused.Code);
        await client.DisposeAsync();
        await stopping.WaitAsync(RawClient.Deadline);
    }

    [Fact]
    public async Task Stopping_twice_is_stopping_once_and_cancelling_ends_the_wait_only()
    {
        var client = await RawClient.ConnectAsync(_broker);
        using var cancelling = new CancellationTokenSource();
        var first = _broker.StopAsync(cancelling.Token);
        var second = _broker.StopAsync();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal(FrameType.Goodbye, (await client.NextAsync()).Type);
        await client.SettleAsync();
        Assert.Empty(client.Pending);
        await client.DisposeAsync();
        await second.WaitAsync(RawClient.Deadline);
    }

    [Fact]
    public async Task A_client_that_says_goodbye_gets_its_answers_and_closes()
    {
        await using var client = await RawClient.ConnectAsync(_broker);
        var producer = await client.CreateProducerAsync("t");
        await client.SendAsync(new PublishFrame(producer), 5, Broker.Batches.Make("p", 0, 1));
        await client.SendAsync(new GoodbyeFrame(ErrorCode.None, null));
        client.EndSending();
        var (reason, isAnswered) = await client.OutcomeAsync(5);
        Assert.Equal((ErrorCode.None, true), (reason, isAnswered));
    }

    [Fact]
    public async Task Beyond_the_limit_a_connection_is_refused_and_one_that_goes_makes_room()
    {
        var clients = new List<RawClient>();
        for (var i = 0; i < 3; i++)
            clients.Add(await RawClient.ConnectAsync(_broker));
        await using (var fourth = RawClient.Open(_broker))
        {
            Assert.Equal(ErrorCode.LimitExceeded, await fourth.EndAsync());
        }
        await clients[0].DisposeAsync();
        await clients[0].Served.WaitAsync(RawClient.Deadline);
        clients[0] = await RawClient.ConnectAsync(_broker);
        foreach (var client in clients)
            await client.DisposeAsync();
    }

    [Fact]
    public async Task The_token_of_a_connection_ends_it_and_no_other()
    {
        using var serving = new CancellationTokenSource();
        await using var client = RawClient.Open(_broker, serving: serving.Token);
        await using var other = await RawClient.ConnectAsync(_broker);
        await serving.CancelAsync();
        Assert.Equal(ErrorCode.BrokerStopping, await client.EndAsync());
        await other.SettleAsync();
        await other.DisposeAsync();
    }

    [Fact]
    public async Task A_client_in_the_same_process_reaches_the_broker_through_its_transport()
    {
        await using var connection = await _broker.Transport.ConnectAsync(CometEndpoint.Parse("comet://any"), CancellationToken.None);
        Assert.IsType<InMemoryConnection>(connection);
    }
}
