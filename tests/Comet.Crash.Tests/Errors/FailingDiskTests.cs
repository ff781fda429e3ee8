using Comet.Client;
using Comet.Crash.Tests.Disks;
using Comet.Crash.Tests.Load;
using Comet.Crash.Tests.Processes;
using Comet.Tests;

namespace Comet.Crash.Tests.Errors;

/// <summary>A disk that fails under a server at work: strace has system calls return EIO.</summary>
public sealed class FailingDiskTests
{
    private static readonly Traffic s_traffic = new()
    {
        Topic = "t",
        Partitions = 2,
        Producers = 4,
        Patience = TimeSpan.FromMinutes(1),
        Subscriptions = [new("s", SubscriptionType.Shared)],
    };

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>msync is what makes messages durable, fsync and fdatasync what makes metadata and new files so, pwrite64 what writes
    /// metadata.</summary>
    [Theory]
    [TakesLong]
    [InlineData("msync", 1)]
    [InlineData("msync", 3000)]
    [InlineData("fsync,fdatasync", 100)]
    [InlineData("fsync,fdatasync", 3000)]
    [InlineData("pwrite64", 1000)]
    [InlineData("msync,fsync,fdatasync,pwrite64", 2000)]
    public async Task After_the_first_error_nothing_is_confirmed_any_more_and_what_was_confirmed_before_is_there(string calls, int behind)
    {
        if (!Strace.IsThere)
            Assert.Skip("strace is not there, or may not trace.");
        using var folder = new TemporaryFolder();
        await using var node = await Node.StartAsync(folder["data"]);
        await using var load = await Workload.StartAsync(s_traffic, node.Address);
        await load.GoOnAsync(behind, behind / 4);
        await using (var strace = await Strace.AttachAsync(node.ProcessId, folder["calls"], calls, "error=EIO:when=1+"))
        {
            for (var partition = 0; partition < s_traffic.Partitions; partition++)
                await node.WaitForLogAsync($"artition {partition} of topic t failed");
            await strace.DetachAsync();
            var error = Assert.NotNull(strace.FirstInjection());
            if (calls.Contains("msync", StringComparison.Ordinal))
                load.Ledger.CheckNoMessageConfirmedBehind(error);
            if (calls != "msync")
                load.Ledger.CheckNoAckConfirmedBehind(error);
        }

        // The disk is well again: what has failed stays offline all the same, because nobody knows what of it was written.
        var refusal = await Assert.ThrowsAsync<CometException>(() => load.Client.Topics.DescribeAsync("t", Cancelled));
        Assert.Equal(ErrorCode.StorageFailed, refusal.Code);
        await Assert.ThrowsAsync<CometException>(() => SendOneAsync(load.Client, "t"));

        await load.DisposeAsync();
        await node.KillAsync();
        load.Subscriptions[0].OweAll();
        await node.StartAsync();
        await using var client = await Workload.ConnectAsync(node.Address);
        await Inspection.ReceiveBacklogAsync(client, "t", s_traffic.Subscriptions[0], load.Subscriptions[0]);
        await Workload.ReadAllAsync(client, "t", load.Ledger.Stored);
        load.Ledger.CheckStored();
        Assert.Empty(load.Ledger.Breaches);
        await SendOneAsync(client, "t");
        TestContext.Current.TestOutputHelper?.WriteLine($"{load}, {load.Ledger.StoredCount} stored");
    }

    [Fact]
    public async Task A_partition_that_has_failed_does_not_keep_others_from_going_on()
    {
        if (!Strace.IsThere)
            Assert.Skip("strace is not there, or may not trace.");
        using var folder = new TemporaryFolder();
        await using var node = await Node.StartAsync(folder["data"]);
        await using var client = await Workload.ConnectAsync(node.Address);
        await SendOneAsync(client, "well");
        await using var producer = await client.CreateProducerAsync<string>("ill", cancellationToken: Cancelled);
        await producer.SendAsync("first", Cancelled);
        await using (await Strace.AttachAsync(node.ProcessId, folder["calls"], "msync", "error=EIO:when=1+"))
        {
            _ = producer.SendAsync("second", Cancelled).AsTask();
            await node.WaitForLogAsync("Storage of partition 0 of topic ill failed; the partition is offline");
        }
        for (var i = 0; i < 10; i++)
            await SendOneAsync(client, "well");
        Assert.Equal(11, (await client.Topics.DescribeAsync("well", Cancelled)).Partitions[0].EndOffset);
        Assert.DoesNotContain("topic well", node.Log, StringComparison.Ordinal);
    }

    private static async Task SendOneAsync(CometClient client, string topic)
    {
        // The refusal is transient, and the client tries for as long as it is told to.
        await using var producer = await client.CreateProducerAsync<string>(
            topic, new() { SendTimeout = TimeSpan.FromSeconds(20) }, Cancelled);
        await producer.SendAsync("one more", Cancelled);
    }
}
