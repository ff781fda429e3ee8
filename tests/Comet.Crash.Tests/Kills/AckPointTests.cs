using Comet.Client;
using Comet.Crash.Tests.Checkers;
using Comet.Crash.Tests.Disks;
using Comet.Crash.Tests.Load;
using Comet.Crash.Tests.Processes;
using Comet.Server;
using Comet.Tests;

namespace Comet.Crash.Tests.Kills;

/// <summary>What becomes of acks, at a thousand points of a server's work. At each the server is stopped in the middle of whatever its
/// threads do, its files are copied, which are what a kill -9 would leave, and another server opens the copy.</summary>
public sealed class AckPointTests
{
    private static readonly int s_points =
        int.TryParse(Environment.GetEnvironmentVariable("COMET_CRASH_POINTS"), out var points) ? points : 250;

    // Few messages at a time: each point costs as many as are not acked.
    private static readonly Traffic s_traffic = new()
    {
        Topic = "t",
        Producers = 2,
        InFlight = 8,
        AckTogether = 6,
        Policy = new() { Retention = RetentionPolicy.None },
        Subscriptions = [new("ordered", SubscriptionType.Exclusive), new("shared", SubscriptionType.Shared)],
    };

    /// <summary>Four times 250, so that a slow machine is in time.</summary>
    [Theory]
    [TakesLong]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task No_confirmed_ack_comes_again_and_all_else_does_at_1000_points_of_a_servers_work(int seed)
    {
        using var folder = new TemporaryFolder();
        using var copies = TemporaryFolder.InMemory();
        await using var node = await Node.StartAsync(folder["data"]);
        await using var load = await Workload.StartAsync(s_traffic, node.Address);
        var reached = new Dictionary<AckPoint, int>();
        var random = new Random(seed);
        for (var point = 0; point < s_points; point++)
        {
            await load.GoOnAsync(random.Next(1, 4), random.Next(1, 4));
            using (await node.FreezeAsync())
            {
                DataCopy.Copy(node.Data, copies["copy"]);
                var known = load.Subscriptions.Select(static s => s.Copy()).ToList();
                known.ForEach(ledger => ledger.CountPoints(reached));
                await CheckAsync(copies["copy"], known);
            }
            Assert.Empty(load.Ledger.Breaches);
            Directory.Delete(copies["copy"], recursive: true);
        }
        await load.DrainAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{load}\n{string.Join(", ", reached.OrderBy(static r => r.Key).Select(static r => $"{r.Key}: {r.Value}"))}");
        Assert.All(Enum.GetValues<AckPoint>().Except([AckPoint.Waiting]),
            each => Assert.True(reached.GetValueOrDefault(each) >= s_points / 10, $"{each} was hardly reached."));
    }

    private static async Task CheckAsync(string copy, List<SubscriptionLedger> known)
    {
        await using var broker = new CometBroker(new() { LocalStorage = new() { Directory = copy } });
        await broker.RecoverAsync(TestContext.Current.CancellationToken);
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport });
        foreach (var (ledger, listening) in known.Zip(s_traffic.Subscriptions))
        {
            ledger.OweAll();
            await Inspection.ReceiveBacklogAsync(client, s_traffic.Topic, listening, ledger);
        }
    }
}
