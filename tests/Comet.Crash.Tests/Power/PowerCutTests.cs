using Comet.Crash.Tests.Disks;
using Comet.Crash.Tests.Load;
using Comet.Crash.Tests.Processes;
using Comet.Journals.Tests.Support;
using Comet.Tests;

namespace Comet.Crash.Tests.Power;

/// <summary>Power cuts: all data is on an ext4 in a file, which is shut down without writing anything more while the server
/// works.</summary>
public sealed class PowerCutTests
{
    // By hand with 500: COMET_CRASH_CUTS.
    private static readonly int s_cuts = int.TryParse(Environment.GetEnvironmentVariable("COMET_CRASH_CUTS"), out var cuts) ? cuts : 10;

    private static readonly Traffic s_traffic = new()
    {
        Topic = "orders",
        Partitions = 3,
        Producers = 4,
        Subscriptions = [new("ordered", SubscriptionType.Exclusive), new("shared", SubscriptionType.Shared)],
    };

    /// <summary>Twice ten, so that a slow machine is in time.</summary>
    [Theory]
    [TakesLong]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Nothing_confirmed_at_the_level_Disk_is_lost_and_no_confirmed_ack_comes_again_over_20_power_cuts(int seed)
    {
        using var folder = new TemporaryFolder();
        using var disk = TryCreateDisk(folder);
        await using var node = await Node.StartAsync(Path.Combine(disk.Mount, "data"));
        await using var load = await Workload.StartAsync(s_traffic, node.Address);
        var random = new Random(seed);
        for (var i = 0; i < s_cuts; i++)
        {
            await load.GoOnAsync(random.Next(1, 1500), random.Next(1, 500));
            await CutAsync(disk, node);
            await node.StartAsync();
        }
        await load.DrainAsync();
        await load.CheckAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{load}\n{node.ReadySummary()}");
    }

    /// <summary>At Os a power cut may take what was not flushed yet: the end of each partition, and nothing in between.</summary>
    [Fact]
    [TakesLong]
    public async Task At_the_level_Os_a_power_cut_takes_the_end_of_a_partition_and_nothing_before_it()
    {
        const int Cuts = 5;
        using var folder = new TemporaryFolder();
        using var disk = TryCreateDisk(folder);
        await using var node = await Node.StartAsync(Path.Combine(disk.Mount, "data"));
        for (var i = 0; i < Cuts; i++)
        {
            var traffic = s_traffic with
            {
                Topic = $"os-{i}", Policy = new() { DefaultDurability = Durability.Os }, Patience = TimeSpan.FromMinutes(1),
                Subscriptions = [],
            };
            await using var load = await Workload.StartAsync(traffic, node.Address);
            await load.GoOnAsync(5_000 * (i + 1), 0);
            var confirmed = load.Ledger.AllConfirmed();
            await CutAsync(disk, node);
            await load.DisposeAsync();
            await node.StartAsync();
            await using var client = await Workload.ConnectAsync(node.Address);
            await Workload.ReadAllAsync(client, traffic.Topic, load.Ledger.Stored);
            Assert.Empty(load.Ledger.Breaches);
            var lost = load.Ledger.Missing(confirmed);
            Assert.All(lost, each => Assert.True(each.IsBehindAllStored, $"{each.Message} is lost and something behind it is not."));
            TestContext.Current.TestOutputHelper?.WriteLine($"{confirmed.Count} confirmed at Os, {lost.Count} lost");
        }
    }

    internal static LoopDisk TryCreateDisk(TemporaryFolder folder)
    {
        var disk = LoopDisk.TryCreate(folder.Path, 512L << 20);
        if (disk is null)
            Assert.Skip("Making and mounting an ext4 takes Linux, root, mkfs.ext4 and a loop device.");
        return disk;
    }

    /// <summary>The power goes, the machine comes back.</summary>
    internal static async Task CutAsync(LoopDisk disk, Node node)
    {
        // The processor stops before the disk does: a flush that returns behind the cut may say that all is well, and must not be believed.
        using (await node.FreezeAsync(orInFlush: true))
        {
            disk.CutPower();
            await node.KillAsync();
        }
        disk.Restart();
        // Nothing in them means anything after a restart of the machine, which they know by its boot id; here it is the same.
        foreach (var control in Directory.EnumerateFiles(node.Data, "journal.control", SearchOption.AllDirectories))
            File.Delete(control);
    }
}
