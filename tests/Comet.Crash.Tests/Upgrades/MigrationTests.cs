using Comet.Crash.Tests.Disks;
using Comet.Crash.Tests.Load;
using Comet.Crash.Tests.Processes;
using Comet.Tests;

namespace Comet.Crash.Tests.Upgrades;

/// <summary>Data of an earlier version, whose first start with this one is killed.</summary>
public sealed class MigrationTests
{
    private static readonly Traffic s_traffic = new()
    {
        Topic = "t",
        Partitions = 2,
        Producers = 2,
        Subscriptions = [new("ordered", SubscriptionType.Exclusive), new("shared", SubscriptionType.Shared)],
    };

    [Fact]
    [TakesLong]
    public async Task Wherever_the_migration_is_killed_the_next_start_has_everything()
    {
        if (!Strace.IsThere)
            Assert.Skip("strace is not there, or may not trace.");
        using var folder = new TemporaryFolder();
        await using var node = await Node.StartAsync(folder["data"]);
        await using var load = await Workload.StartAsync(s_traffic, node.Address);
        await load.GoOnAsync(1000, 200);
        (await node.StopAsync()).Exits(0);
        Metadata.TakeBack(node.Data);
        File.Copy(Metadata.PathIn(node.Data), folder["earlier"]);
        var killed = 0;
        foreach (var call in (string[])["pwrite64", "fdatasync,fsync"])
        {
            foreach (var number in (int[])[1, 2, 3, 5, 8, 12])
            {
                foreach (var file in Directory.EnumerateFiles(node.Data, "metadata.db*"))
                    File.Delete(file);
                File.Copy(folder["earlier"], Metadata.PathIn(node.Data));
                if (!await node.TryStartUnderAsync(["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", $"trace={call}",
                    "-e", "signal=none", "-e", $"inject={call}:signal=SIGKILL:when={number}"]))
                    killed++;
                else
                    await node.KillAsync();
            }
        }
        await node.StartAsync();
        Assert.DoesNotContain("metadata", node.Log, StringComparison.Ordinal);
        await load.DrainAsync();
        await load.CheckAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{load}, {killed} starts killed");
        Assert.True(killed >= 4, "Hardly any start was killed.");
    }
}
