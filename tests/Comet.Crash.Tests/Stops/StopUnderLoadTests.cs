using Comet.Crash.Tests.Disks;
using Comet.Crash.Tests.Load;
using Comet.Crash.Tests.Processes;

namespace Comet.Crash.Tests.Stops;

/// <summary>SIGTERM in the middle of traffic.</summary>
public sealed class StopUnderLoadTests
{
    private static readonly Traffic s_traffic = new()
    {
        Topic = "t",
        Partitions = 3,
        Producers = 4,
        Subscriptions = [new("ordered", SubscriptionType.Exclusive), new("shared", SubscriptionType.Shared, Consumers: 2)],
    };

    [Fact]
    public async Task A_stop_under_load_ends_by_itself_loses_nothing_and_leaves_nothing_to_recover()
    {
        const int Stops = 3;
        using var folder = new TemporaryFolder();
        await using var node = await Node.StartAsync(folder["data"]);
        await using var load = await Workload.StartAsync(s_traffic, node.Address);
        for (var i = 0; i < Stops; i++)
        {
            await load.GoOnAsync(2_000, 500);
            var start = TimeProvider.System.GetTimestamp();
            (await node.StopAsync()).Exits(0);
            var took = TimeProvider.System.GetElapsedTime(start);
            TestContext.Current.TestOutputHelper?.WriteLine($"Stopped in {took.TotalMilliseconds:0} ms.");
            Assert.Empty(Metadata.OpenPartitions(node.Data));
            await node.StartAsync();
        }
        await load.DrainAsync();
        await load.CheckAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{load}\n{node.ReadySummary()}");
    }

    /// <summary>The mark of a clean stop is worth something: what bears it is not looked at before the server is ready.</summary>
    [Fact]
    public async Task The_start_behind_a_clean_stop_opens_no_partition_and_the_one_behind_a_kill_opens_those_that_were_open()
    {
        if (!Strace.IsThere)
            Assert.Skip("strace is not there, or may not trace.");
        using var folder = new TemporaryFolder();
        await using var node = await Node.StartAsync(folder["data"]);
        await using (var load = await Workload.StartAsync(s_traffic, node.Address))
        {
            await load.GoOnAsync(2_000, 500);
            await load.DrainAsync();
        }
        (await node.StopAsync()).Exits(0);
        Assert.Empty(await OpenedByStartAsync(node, folder["clean"]));
        await using (var client = await Workload.ConnectAsync(node.Address))
        {
            await using var producer = await client.CreateProducerAsync<string>("t", new() { Router = static (_, _) => 1 });
            await producer.SendAsync("one more");
        }
        await node.KillAsync();
        Assert.Equal(["1"], await OpenedByStartAsync(node, folder["killed"]));
    }

    /// <summary>Starts the server under strace; returns the partitions whose segments it opened before it was ready.</summary>
    private static async Task<IReadOnlyList<string>> OpenedByStartAsync(Node node, string log)
    {
        // -D: the process that is started here is the server, and strace a child of it.
        await node.StartUnderAsync(["strace", "-D", "-f", "-qq", "-e", "trace=openat", "-e", "signal=none", "-o", log]);
        return [.. File.ReadLines(log).Where(static line => line.Contains(".journal\"", StringComparison.Ordinal))
            .Select(static line => Path.GetFileName(Path.GetDirectoryName(line.Split('"')[1]))!)
            .Distinct().Order(StringComparer.Ordinal)];
    }
}
