using Comet.Crash.Tests.Disks;
using Comet.Crash.Tests.Load;
using Comet.Crash.Tests.Processes;
using Comet.Tests;

namespace Comet.Crash.Tests.Calls;

/// <summary>The end comes at a system call: strace kills the server as it makes its n-th of a kind, in the middle of starting, rolling,
/// saving, deleting.</summary>
public sealed class SystemCallTests
{
    private const int MostMessages = 3_000;

    // strace counts for each thread; numbers that none reaches are of no use, and a kill that comes too late is done by hand.
    private static readonly string[] s_calls =
        ["rename,renameat,renameat2", "unlink,unlinkat", "fallocate,ftruncate", "mkdir", "pwrite64", "fdatasync,fsync", "msync"];

    // By hand all up to 60: COMET_CRASH_CALLS.
    private static readonly int[] s_numbers = int.TryParse(Environment.GetEnvironmentVariable("COMET_CRASH_CALLS"), out var most)
        ? [.. Enumerable.Range(1, most)]
        : [1, 4, 11];

    private static readonly Traffic s_traffic = new()
    {
        Topic = "t",
        Partitions = 2,
        Producers = 3,
        Subscriptions = [new("ordered", SubscriptionType.Exclusive), new("shared", SubscriptionType.Shared)],
    };

    // What is acked leaves the disk: segments are removed all the time.
    private static readonly Traffic s_trimmed = s_traffic with { Topic = "trimmed", Policy = new() { Retention = RetentionPolicy.None } };

    [Fact]
    [TakesLong]
    public async Task Whatever_system_call_is_the_last_nothing_that_was_confirmed_is_lost_and_the_next_start_succeeds()
    {
        if (!Strace.IsThere)
            Assert.Skip("strace is not there, or may not trace.");
        using var folder = new TemporaryFolder();
        await using var node = await Node.StartAsync(folder["data"]);
        await using var load = await Workload.StartAsync(s_traffic, node.Address);
        await using var trimmed = await Workload.StartAsync(s_trimmed, node.Address);
        await using var churn = await TopicChurn.StartAsync(node.Address);
        await load.GoOnAsync(500, 100);
        await node.KillAsync();
        var (atStart, underLoad, byHand) = (0, 0, 0);
        foreach (var calls in s_calls)
        {
            foreach (var number in s_numbers)
            {
                string[] strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", $"trace={calls}", "-e", "signal=none",
                    "-e", $"inject={calls}:signal=SIGKILL:when={number}"];
                if (!await node.TryStartUnderAsync(strace))
                {
                    atStart++;
                    continue;
                }
                if (await DiesAsync(node, load))
                    underLoad++;
                else
                    byHand++;
                await node.KillAsync();
            }
        }
        await node.StartAsync();
        await load.DrainAsync();
        await load.CheckAsync();
        await trimmed.DrainAsync();
        Assert.Empty(trimmed.Ledger.Breaches);
        await churn.CheckAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{load}\n{trimmed}\n{churn}\nkilled while starting: {atStart}, under load: {underLoad}, by hand: {byHand}");
        Assert.True(atStart > 0 && underLoad > 2, "Hardly any call was the last.");
    }

    /// <summary>Whether it dies before a lot is done.</summary>
    private static async Task<bool> DiesAsync(Node node, Workload load)
    {
        using var ended = new CancellationTokenSource();
        var end = node.EndedAsync();
        var goingOn = load.GoOnAsync(MostMessages, MostMessages / 10, ended.Token);
        await Task.WhenAny(end, goingOn);
        await ended.CancelAsync();
        await goingOn;
        return end.IsCompleted;
    }
}
