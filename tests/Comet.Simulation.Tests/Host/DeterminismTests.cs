using System.Globalization;
using Comet.Client;
using Comet.Testing;

namespace Comet.Simulation.Tests.Host;

public sealed class DeterminismTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task The_same_seed_gives_the_same_history_bit_for_bit(int seed)
    {
        var first = await RunAsync(seed);
        var second = await RunAsync(seed);
        Assert.Equal(first, second);
        Assert.NotEqual(first.Hash, (await RunAsync(seed + 100)).Hash);
    }

    private static async Task<(long Hash, long Steps, string Received)> RunAsync(int seed)
    {
        await using var host = CometTestHost.Start(new() { Seed = seed, ShuffleWork = true });
        var received = new List<string>();
        await host.RunAsync(async () =>
        {
            var one = await host.ConnectAsync(new() { ClientName = "one" });
            var two = await host.ConnectAsync(new() { ClientName = "two" });
            var producer = await one.CreateProducerAsync<string>("orders");
            var consumer = await two.SubscribeAsync<string>("orders", "billing");
            host.Faults.ScheduleRandom(TimeSpan.FromSeconds(20), 8);
            var sending = SendAsync(host, producer);
            for (var distinct = new HashSet<string>(); distinct.Count < 200;)
            {
                var delivery = await consumer.ReceiveAsync();
                received.Add(delivery.Value);
                distinct.Add(delivery.Value);
                await delivery.AckAsync();
            }
            await sending;
        });
        Assert.Equal(0, host.StrayContinuations);
        return (host.HistoryHash, host.Steps, string.Join(' ', received));
    }

    private static async Task SendAsync(CometTestHost host, Producer<string> producer)
    {
        for (var i = 0; i < 200; i++)
        {
            await producer.Writer.WriteAsync(i.ToString(CultureInfo.InvariantCulture));
            await Task.Delay(TimeSpan.FromMilliseconds(100), host.Time);
        }
    }
}
