using Comet.Client;
using Comet.Testing;

namespace Comet.Simulation.Tests.Host;

public sealed class FaultTests
{
    [Fact]
    public async Task After_a_cut_the_client_comes_back_without_any_time()
    {
        await using var host = CometTestHost.Start();
        var client = await host.ConnectAsync();
        await using var producer = await client.CreateProducerAsync<string>("orders");
        await host.Faults.ApplyAsync(Fault.Cut());
        await host.IdleAsync();
        Assert.Equal(ClientState.Connected, client.State.Current);
        await producer.SendAsync("x");
    }

    [Fact]
    public async Task What_is_sent_into_a_dead_line_arrives_when_it_lives_again()
    {
        await using var host = CometTestHost.Start();
        var client = await host.ConnectAsync();
        await using var producer = await client.CreateProducerAsync<string>("orders");
        await host.Faults.ApplyAsync(Fault.Drop(TimeSpan.FromSeconds(8)));
        var sending = producer.SendAsync("x").AsTask();
        await host.AdvanceAsync(TimeSpan.FromSeconds(7));
        Assert.False(sending.IsCompleted);
        await host.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(0, (await sending).Offset);
    }

    [Fact]
    public async Task A_line_that_stays_dead_is_noticed_by_the_heartbeat_and_replaced()
    {
        await using var host = CometTestHost.Start();
        var client = await host.ConnectAsync();
        await using var producer = await client.CreateProducerAsync<string>("orders");
        await host.Faults.ApplyAsync(Fault.Drop(direction: FaultDirection.ToClient));
        var sending = producer.SendAsync("x").AsTask();
        await host.AdvanceAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(ClientState.Reconnecting, client.State.Current);
        await host.Faults.HealAsync();
        await host.AdvanceAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(ClientState.Connected, client.State.Current);
        await Assert.ThrowsAsync<CometException>(() => sending);
    }

    [Fact]
    public async Task A_delay_delays_each_byte_and_not_the_stream()
    {
        await using var host = CometTestHost.Start();
        var client = await host.ConnectAsync();
        var producer = await client.CreateProducerAsync<string>("orders");
        await host.Faults.ApplyAsync(Fault.Delay(TimeSpan.FromMilliseconds(500)));
        await host.RunAsync(async () =>
        {
            var start = host.Time.GetTimestamp();
            var sends = Enumerable.Range(0, 5).Select(_ => producer.SendAsync("x").AsTask()).ToArray();
            foreach (var send in sends)
                await send;
            Assert.Equal(1, host.Time.GetElapsedTime(start).TotalSeconds, 3);
        });
    }

    [Fact]
    public async Task A_slow_line_takes_its_time()
    {
        await using var host = CometTestHost.Start();
        var client = await host.ConnectAsync();
        var producer = await client.CreateProducerAsync<byte[]>("orders");
        await host.Faults.ApplyAsync(Fault.Slow(1000, direction: FaultDirection.ToBroker));
        await host.RunAsync(async () =>
        {
            var start = host.Time.GetTimestamp();
            await producer.SendAsync(new byte[5000]);
            Assert.InRange(host.Time.GetElapsedTime(start).TotalSeconds, 5, 6);
        });
    }

    [Fact]
    public async Task What_is_sent_twice_is_stored_once()
    {
        await using var host = CometTestHost.Start();
        var client = await host.ConnectAsync();
        await using var producer = await client.CreateProducerAsync<string>("orders");
        await host.Faults.ApplyAsync(Fault.Duplicate());
        var id = await producer.SendAsync("x");
        Assert.Equal(0, id.Offset);
        Assert.Equal(1, (await producer.SendAsync("y")).Offset);
        Assert.Equal(2, host.Connections);
    }

    [Fact]
    public async Task A_broker_that_is_stopped_and_started_has_another_epoch_even_at_the_same_instant()
    {
        await using var host = CometTestHost.Start();
        var client = await host.ConnectAsync();
        await using var producer = await client.CreateProducerAsync<string>("orders");
        await using var consumer = await client.SubscribeAsync<string>("orders", "billing");
        await producer.SendAsync("x");
        var first = await consumer.ReceiveAsync();
        await host.Faults.ApplyAsync(Fault.StopBroker());
        await host.AdvanceAsync(TimeSpan.FromSeconds(1));
        await producer.SendAsync("y");
        var second = await consumer.ReceiveAsync();
        Assert.Equal(0, second.Id.Offset);
        Assert.NotEqual(first.OwnershipEpoch, second.OwnershipEpoch);
    }

    [Fact]
    public async Task Faults_at_random_repeat_with_their_seed()
    {
        await using var one = CometTestHost.Start(new() { Seed = 7 });
        await using var two = CometTestHost.Start(new() { Seed = 7 });
        Assert.Equal(one.Faults.ScheduleRandom(TimeSpan.FromMinutes(1), 20), two.Faults.ScheduleRandom(TimeSpan.FromMinutes(1), 20));
    }

    [Fact]
    public async Task Disposing_ends_although_the_line_is_dead_and_the_clock_stands()
    {
        var host = CometTestHost.Start();
        var client = await host.ConnectAsync();
        var producer = await client.CreateProducerAsync<string>("orders");
        await host.Faults.ApplyAsync(Fault.Drop());
        _ = producer.SendAsync("x").AsTask();
        await host.DisposeAsync();
        Assert.Equal(ClientState.Closed, client.State.Current);
    }
}
