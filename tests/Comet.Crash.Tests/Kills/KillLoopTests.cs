using Comet.Crash.Tests.Disks;
using Comet.Crash.Tests.Load;
using Comet.Crash.Tests.Processes;
using Comet.Tests;

namespace Comet.Crash.Tests.Kills;

/// <summary>kill -9, again and again.</summary>
public sealed class KillLoopTests
{
    // By hand with 200: COMET_CRASH_CYCLES.
    private static readonly int s_cycles =
        int.TryParse(Environment.GetEnvironmentVariable("COMET_CRASH_CYCLES"), out var cycles) ? cycles : 10;

    private static readonly Traffic s_orders = new()
    {
        Topic = "orders",
        Partitions = 3,
        Producers = 5,
        Subscriptions = [new("ordered", SubscriptionType.Exclusive), new("shared", SubscriptionType.Shared, Consumers: 2)],
    };

    private static readonly Traffic s_events = new()
    {
        Topic = "events",
        Partitions = 2,
        Producers = 3,
        Subscriptions = [new("active", SubscriptionType.Failover)],
    };

    /// <summary>Five times ten, so that a slow machine is in time.</summary>
    [Theory]
    [TakesLong]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Eight_producers_and_four_consumers_lose_nothing_that_was_confirmed_over_50_kills(int seed)
    {
        const int LeastConfirmedPerCycle = 4_000;
        using var folder = new TemporaryFolder();
        await using var node = await Node.StartAsync(folder["data"]);
        await using var orders = await Workload.StartAsync(s_orders, node.Address);
        await using var events = await Workload.StartAsync(s_events, node.Address);
        var random = new Random(seed);
        for (var cycle = 0; cycle < s_cycles; cycle++)
        {
            var messages = random.Next(1, LeastConfirmedPerCycle);
            await Task.WhenAll(orders.GoOnAsync(messages, messages / 4), events.GoOnAsync(messages / 2, messages / 8));
            await node.KillAsync();
            await node.StartAsync();
        }
        while (orders.Confirmed + events.Confirmed < s_cycles * LeastConfirmedPerCycle)
            await Task.WhenAll(orders.GoOnAsync(1000, 0), events.GoOnAsync(100, 0));

        await orders.DrainAsync();
        await events.DrainAsync();
        await orders.CheckAsync();
        await events.CheckAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{orders}\n{events}\n{node.ReadySummary()}");
        Assert.True(orders.Acked + events.Acked > orders.Confirmed, "Too few acks were confirmed for the check to mean something.");
    }
}
