using Comet.Crash.Tests.Disks;
using Comet.Crash.Tests.Load;
using Comet.Crash.Tests.Processes;
using Comet.Tests;

namespace Comet.Crash.Tests.Kills;

/// <summary>A server that was killed with a lot of data.</summary>
public sealed class ReadyTimeTests
{
    private const int Partitions = 4;
    private const int Length = 8 * 1024;
    private const int Kills = 10;

    // 1 GiB.
    private const int Messages = 128 * 1024;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>How fast it is ready is printed and not judged: that depends on the machine.</summary>
    [Fact]
    [TakesLong]
    public async Task With_a_gibibyte_of_messages_a_killed_server_is_ready_again_and_has_them_all()
    {
        using var folder = new TemporaryFolder();
        await using var node = await Node.StartAsync(folder["data"]);
        await using var client = await Workload.ConnectAsync(node.Address);
        await client.Topics.CreateAsync("t", Partitions, cancellationToken: Cancelled);
        await using var producer = await client.CreateProducerAsync<byte[]>("t", cancellationToken: Cancelled);
        var payload = new byte[Length];
        for (var i = 0; i < Messages; i++)
            await producer.EnqueueAsync(new(payload), Cancelled);
        await producer.FlushAsync(Cancelled);

        for (var i = 0; i < Kills; i++)
        {
            // Every partition has been at work when the server is killed.
            for (var key = 0; key < 10 * Partitions; key++)
                await producer.EnqueueAsync(new(payload) { Key = $"{key}" }, Cancelled);
            await producer.FlushAsync(Cancelled);
            await node.KillAsync();
            await node.StartAsync();
        }
        var topic = await client.Topics.DescribeAsync("t", Cancelled);
        Assert.Equal(Messages + (Kills * 10 * Partitions), topic.Partitions.Sum(static p => p.EndOffset));
        TestContext.Current.TestOutputHelper?.WriteLine($"With 1 GiB: {node.ReadySummary()}");
    }
}
