using Comet.Crash.Tests.Checkers;
using Comet.Crash.Tests.Disks;
using Comet.Crash.Tests.Load;
using Comet.Crash.Tests.Power;
using Comet.Crash.Tests.Processes;
using Comet.Tests;

namespace Comet.Crash.Tests;

/// <summary>The same server, checkers and faults, with a bug between them: each is found. Without this, that nothing is found elsewhere
/// would mean nothing. The bugs stand around the server, so that the server that is tested is the one that is shipped: strace answers a
/// flush without doing it, and files go back to what they were, as a recovery would leave them that loses something.</summary>
public sealed class PlantedBugTests
{
    private const string Flushes = "msync,fsync,fdatasync";

    private static readonly Traffic s_traffic = new()
    {
        Topic = "t",
        Producers = 2,
        Patience = TimeSpan.FromMinutes(1),
        Subscriptions = [new("s", SubscriptionType.Shared)],
    };

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    [TakesLong]
    public async Task Confirming_before_the_flush_is_found_by_a_power_cut()
    {
        // Whatever else runs on the machine may have everything flushed just then, and the bug does no harm.
        const int MostTries = 5;
        SkipWithoutStrace();
        for (var tries = 0; tries < MostTries; tries++)
        {
            if (await IsFoundByPowerCutAsync())
                return;
        }
        Assert.Fail($"{MostTries} power cuts have lost nothing, although nothing was flushed.");
    }

    [Fact]
    public async Task Going_on_behind_a_flush_that_failed_is_found()
    {
        SkipWithoutStrace();
        using var folder = new TemporaryFolder();
        await using var node = await Node.StartAsync(folder["data"]);
        await using var load = await Workload.StartAsync(s_traffic, node.Address);
        await load.GoOnAsync(500, 100);
        await using var strace = await Strace.AttachAsync(node.ProcessId, folder["calls"], Flushes, "retval=0");
        await load.GoOnAsync(2000, 500);
        await strace.DetachAsync();
        var error = Assert.NotNull(strace.FirstInjection());
        load.Ledger.CheckNoMessageConfirmedBehind(error);
        Assert.Contains(load.Ledger.Breaches, static b => b.Kind == BreachKind.ConfirmedAfterError);
    }

    [Fact]
    public async Task A_recovery_that_drops_the_last_record_is_found()
    {
        using var folder = new TemporaryFolder();
        await using var node = await Node.StartAsync(folder["data"]);
        await using var load = await Workload.StartAsync(s_traffic, node.Address);
        await load.GoOnAsync(500, 100);
        await load.DrainAsync();
        var partition = Path.Combine(node.Data, "topics", "t~1", "0");
        DataCopy.Copy(partition, folder["before"]);
        await load.SendOneAsync();
        await node.KillAsync();
        DataCopy.Replace(partition, folder["before"]);
        Assert.Contains(BreachKind.Lost, await FindAsync(load, node));
    }

    [Fact]
    public async Task A_cursor_that_moves_before_the_ack_is_found()
    {
        using var folder = new TemporaryFolder();
        await using var node = await Node.StartAsync(folder["data"]);
        await using var load = await Workload.StartAsync(s_traffic with { AckTogether = 300 }, node.Address);
        await load.GoOnAsync(1000, 300);
        await load.DisposeAsync();
        await using (var client = await Workload.ConnectAsync(node.Address))
            await client.Subscriptions.SeekAsync("t", "s", StartPosition.Latest, Cancelled);
        await node.KillAsync();
        Assert.Contains(BreachKind.NotDelivered, await FindAsync(load, node));
    }

    [Fact]
    public async Task Confirming_an_ack_before_it_is_saved_is_found()
    {
        using var folder = new TemporaryFolder();
        await using var node = await Node.StartAsync(folder["data"]);
        await using var load = await Workload.StartAsync(s_traffic, node.Address);
        await load.GoOnAsync(100, 20);
        using (var frozen = await node.FreezeAsync())
            DataCopy.Copy(node.Data, folder["before"]);
        await load.GoOnAsync(100, 100);
        await load.DisposeAsync();
        await node.KillAsync();
        foreach (var file in Directory.EnumerateFiles(node.Data, "metadata.db*"))
            File.Delete(file);
        foreach (var file in Directory.EnumerateFiles(folder["before"], "metadata.db*"))
            File.Copy(file, Path.Combine(node.Data, Path.GetFileName(file)));
        Assert.Contains(BreachKind.AckedAndBack, await FindAsync(load, node));
    }

    private static async Task<bool> IsFoundByPowerCutAsync()
    {
        using var folder = new TemporaryFolder();
        using var disk = PowerCutTests.TryCreateDisk(folder);
        await using var node = await Node.StartAsync(Path.Combine(disk.Mount, "data"));
        await using var load = await Workload.StartAsync(s_traffic, node.Address);
        await load.GoOnAsync(500, 100);
        await using (await Strace.AttachAsync(node.ProcessId, folder["calls"], Flushes, "retval=0"))
        {
            await load.GoOnAsync(500, 100);
            await PowerCutTests.CutAsync(disk, node);
        }
        return (await FindAsync(load, node)).Contains(BreachKind.Lost);
    }

    private static void SkipWithoutStrace()
    {
        if (!Strace.IsThere)
            Assert.Skip("strace is not there, or may not trace.");
    }

    /// <summary>Starts the server again, and tells which promises are broken.</summary>
    private static async Task<IEnumerable<BreachKind>> FindAsync(Workload load, Node node)
    {
        await load.DisposeAsync();
        Assert.Empty(load.Ledger.Breaches);
        load.Subscriptions[0].OweAll();
        await node.StartAsync();
        await using var client = await Workload.ConnectAsync(node.Address);
        await Inspection.ReceiveBacklogAsync(client, "t", s_traffic.Subscriptions[0], load.Subscriptions[0]);
        await Workload.ReadAllAsync(client, "t", load.Ledger.Stored);
        load.Ledger.CheckStored();
        foreach (var breach in load.Ledger.Breaches.Take(3))
            TestContext.Current.TestOutputHelper?.WriteLine($"{breach}");
        return load.Ledger.Breaches.Select(static b => b.Kind);
    }
}
