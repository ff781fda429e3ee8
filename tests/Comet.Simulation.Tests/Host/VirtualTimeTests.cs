using System.Globalization;
using Comet.Client;
using Comet.Testing;

namespace Comet.Simulation.Tests.Host;

public sealed class VirtualTimeTests
{
    [Fact]
    public async Task Sends_are_confirmed_and_deliveries_arrive_while_the_clock_stands()
    {
        await using var host = CometTestHost.Start();
        var client = await host.ConnectAsync();
        await using var producer = await client.CreateProducerAsync<string>("orders");
        await using var consumer = await client.SubscribeAsync<string>("orders", "billing",
            new() { StartPosition = StartPosition.Earliest });
        for (var i = 0; i < 100; i++)
            await producer.SendAsync(i.ToString(CultureInfo.InvariantCulture));
        for (var i = 0; i < 100; i++)
            Assert.Equal(i.ToString(CultureInfo.InvariantCulture), (await consumer.ReceiveAsync()).Value);
        Assert.Equal(TimeSpan.Zero, ((VirtualTime)host.Time).Elapsed);
    }

    [Fact]
    public async Task Idle_means_that_all_has_arrived()
    {
        await using var host = CometTestHost.Start();
        var client = await host.ConnectAsync();
        await using var producer = await client.CreateProducerAsync<string>("orders");
        await using var consumer = await client.SubscribeAsync<string>("orders", "billing");
        for (var i = 0; i < 1000; i++)
            await producer.Writer.WriteAsync("x");
        await host.IdleAsync();
        Assert.Equal(0, producer.PendingMessages);
        for (var i = 0; i < 1000; i++)
            Assert.True(consumer.TryReceive(out _));
        Assert.False(consumer.TryReceive(out _));
    }

    [Fact]
    public async Task A_nack_with_a_delay_comes_again_when_it_is_due_and_not_a_tick_earlier()
    {
        await using var host = CometTestHost.Start();
        var client = await host.ConnectAsync();
        await using var producer = await client.CreateProducerAsync<string>("orders");
        await using var consumer = await client.SubscribeAsync<string>("orders", "billing");
        await producer.SendAsync("x");
        await (await consumer.ReceiveAsync()).NackAsync(TimeSpan.FromDays(30));
        await host.IdleAsync();
        await host.AdvanceAsync(TimeSpan.FromDays(30) - TimeSpan.FromMilliseconds(1));
        Assert.False(consumer.TryReceive(out _));
        await host.AdvanceAsync(TimeSpan.FromMilliseconds(2));
        Assert.True(consumer.TryReceive(out var again));
        Assert.Equal(2, again.DeliveryCount);
    }

    [Fact]
    public async Task Timers_fire_in_the_order_in_which_they_are_due_and_all_that_comes_of_one_is_done_before_the_next()
    {
        await using var host = CometTestHost.Start();
        var seen = new List<int>();
        var start = host.Time.GetUtcNow();
        await host.RunAsync(async () =>
        {
            async Task NoteAsync(int seconds)
            {
                await Task.Delay(TimeSpan.FromSeconds(seconds), host.Time);
                await Task.Yield();
                await Task.Yield();
                Assert.Equal(seconds, (host.Time.GetUtcNow() - start).TotalSeconds);
                seen.Add(seconds);
            }

            List<int> delays = [5, 1, 4, 1, 3];
            var notes = delays.Select(NoteAsync).ToArray();
            await host.AdvanceAsync(TimeSpan.FromSeconds(4));
            Assert.Equal([1, 1, 3, 4], seen);
            foreach (var note in notes)
                await note;
        });
        Assert.Equal([1, 1, 3, 4, 5], seen);
        Assert.Equal(0, host.StrayContinuations);
    }

    [Fact]
    public async Task Thirty_days_of_heartbeats_pass_and_nothing_is_lost()
    {
        await using var host = CometTestHost.Start();
        var client = await host.ConnectAsync();
        await using var producer = await client.CreateProducerAsync<string>("orders");
        await host.AdvanceAsync(TimeSpan.FromDays(30));
        Assert.Equal(TimeSpan.FromDays(30), ((VirtualTime)host.Time).Elapsed);
        Assert.Equal(ClientState.Connected, client.State.Current);
        await producer.SendAsync("x");
    }

    [Fact]
    public async Task A_test_that_waits_in_vain_is_told_so()
    {
        await using var host = CometTestHost.Start();
        var client = await host.ConnectAsync();
        var consumer = await client.SubscribeAsync<string>("orders", "billing");
        var failure = await Assert.ThrowsAsync<TimeoutException>(() => host.RunAsync(async () => await consumer.ReceiveAsync()));
        Assert.Contains("will not come", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exception_in_a_test_is_the_tests()
    {
        await using var host = CometTestHost.Start();
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => host.RunAsync(async () =>
        {
            await Task.Delay(TimeSpan.FromSeconds(1), host.Time);
            throw new InvalidTimeZoneException();
        }));
    }

    [Fact]
    public async Task A_clock_of_somebody_else_is_moved_by_somebody_else()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using var host = CometTestHost.Start(new() { Time = time });
        var client = await host.ConnectAsync();
        await using var producer = await client.CreateProducerAsync<string>("orders");
        await using var consumer = await client.SubscribeAsync<string>("orders", "billing");
        await producer.SendAsync("x");
        await (await consumer.ReceiveAsync()).NackAsync(TimeSpan.FromSeconds(5));
        await host.IdleAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => host.AdvanceAsync(TimeSpan.FromSeconds(5)));
        time.Advance(TimeSpan.FromSeconds(6));
        await host.IdleAsync();
        Assert.True(consumer.TryReceive(out _));
    }
}
