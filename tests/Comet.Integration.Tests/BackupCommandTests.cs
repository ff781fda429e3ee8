using Comet.Client;
using Comet.Integration.Tests.Processes;
using Comet.Tests;

namespace Comet.Integration.Tests;

/// <summary>comet backup and comet restore.</summary>
public sealed class BackupCommandTests : IDisposable
{
    private const string Topic = "t";

    private readonly TemporaryFolder _folder = new();

    private string Data => _folder.Path("data");

    private string Backup => _folder.Path("backup");

    private string Restored => _folder.Path("restored");

    // So small that segments are begun and packed all the time.
    private string[] Arguments => Serve(Data);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("--copy")]
    [InlineData("--json")]
    [TakesLong]
    public async Task A_backup_under_load_has_all_that_was_confirmed_before_and_no_cursor_ahead(string option)
    {
        await using var server = await CometServerProcess.StartAsync(
            [.. Arguments, "--storage-compression", "lz4", "--upkeep-interval", "10ms"]);
        await using var load = await DurableLoad.StartAsync(Topic, server.Address);
        (await server.RunAsync("subscription", "create", Topic, "idle", "--from", "earliest")).Exits(0);
        await load.GoOnAsync(messages: 1500, acks: 300);

        var (confirmed, acked) = load.Promised();
        var backup = (await CometProcess.RunAsync("backup", Backup, "--data", Data, option)).Exits(0);
        Assert.Equal("", backup.Errors);
        // What happens afterwards, to the files that are linked too, does not matter.
        await load.GoOnAsync(messages: 300, acks: 100);
        (await CometProcess.RunAsync("restore", Backup, "--data", Restored)).Exits(0);

        await using var restored = await CometServerProcess.StartAsync(Serve(Restored));
        await using var client = await CometClient.ConnectAsync(restored.Address);
        var stored = await ReadAsync(client, load);
        Assert.All(confirmed, each => Assert.Equal(each.Value, stored.GetValueOrDefault(each.Key, -1)));
        foreach (var subscription in acked.Keys)
        {
            var came = await ConsumeAsync(client, subscription, stored.Count);
            Assert.Empty(came.Intersect(acked[subscription]));
            Assert.All(stored.Keys.Except(came), value => Assert.True(
                load.WasReceived(subscription, value), $"{value} does not come to '{subscription}', which never had it"));
        }
        Assert.Equal(stored.Keys.ToHashSet(), await ConsumeAsync(client, "idle", stored.Count));
        await load.DrainAsync();
        await load.CheckAsync();
    }

    [Fact]
    public async Task A_stopped_or_killed_servers_directory_is_backed_up_and_restored()
    {
        await using (var server = await CometServerProcess.StartAsync(Arguments))
        {
            (await server.RunAsync("topic", "create", Topic)).Exits(0);
            (await server.RunAsync("subscription", "create", Topic, "s", "--from", "earliest")).Exits(0);
            await ProduceAsync(server, "one\ntwo\n");
            server.Process.Send(Signal.Terminate);
            (await server.Process.WaitForExitAsync()).Exits(0);
        }
        var report = (await CometProcess.RunAsync("backup", Backup, "--data", Data, "--json")).Exits(0).Json[0];
        Assert.Equal((1, 1), (report.GetProperty("topics").GetInt32(), report.GetProperty("partitions").GetInt32()));
        await using (var server = await CometServerProcess.StartAsync(Arguments))
        {
            await ProduceAsync(server, "three\n");
            await server.Process.KillAsync();
        }
        (await CometProcess.RunAsync("backup", _folder.Path("backup-2"), "--data", Data)).Exits(0);

        (await CometProcess.RunAsync("restore", Backup, "--data", Restored)).Exits(0);
        (await CometProcess.RunAsync("restore", _folder.Path("backup-2"), "--data", _folder.Path("restored-2"))).Exits(0);
        Assert.Equal(["one", "two"], await ConsumeAsync(Restored, 2));
        Assert.Equal(["one", "two", "three"], await ConsumeAsync(_folder.Path("restored-2"), 3));
        // The server that was backed up is as it was.
        Assert.Equal(["one", "two", "three"], await ConsumeAsync(Data, 3));
    }

    [Fact]
    public async Task Nothing_is_written_where_something_is_and_nothing_is_read_that_is_no_data()
    {
        await BackUpAsync();
        Directory.CreateDirectory(Restored);
        File.WriteAllText(Path.Combine(Restored, "mine"), "");
        foreach (var arguments in (string[][])
        [
            ["restore", Backup, "--data", Restored], ["backup", Restored, "--data", Data], ["backup", Backup, "--data", Data],
            ["restore", Backup, "--data", Data], ["backup", Path.Combine(Data, "inside"), "--data", Data],
        ])
        {
            Assert.Contains("give ", (await CometProcess.RunAsync(arguments)).Exits(1).Errors, StringComparison.OrdinalIgnoreCase);
        }
        Assert.Equal(["mine"], Directory.EnumerateFileSystemEntries(Restored).Select(Path.GetFileName));
        Assert.Contains("no data directory",
            (await CometProcess.RunAsync("backup", _folder.Path("x"), "--data", Restored)).Exits(1).Errors, StringComparison.Ordinal);
        Assert.Contains("--data", (await CometProcess.RunAsync("backup", Backup)).Exits(2).Errors, StringComparison.Ordinal);
    }

    private static string[] Serve(string data) => ["--storage", "local", "--data", data, "--segment-size", "64k"];

    private static async Task ProduceAsync(CometServerProcess server, string lines) => (await CometProcess.RunWithInputAsync(
        System.Text.Encoding.UTF8.GetBytes(lines), "produce", Topic, "--server", server.Address)).Exits(0);

    private async Task BackUpAsync()
    {
        await using (var server = await CometServerProcess.StartAsync(Arguments))
            await ProduceAsync(server, "one\n");
        (await CometProcess.RunAsync("backup", Backup, "--data", Data)).Exits(0);
    }

    private static async Task<string[]> ConsumeAsync(string data, int count)
    {
        await using var server = await CometServerProcess.StartAsync(Serve(data));
        return (await server.RunAsync("consume", Topic, "--subscription", "s", "--count", $"{count}")).Exits(0).Lines;
    }

    /// <summary>All that is in the topic, each where it is; it has to be what was sent, in order.</summary>
    private static async Task<Dictionary<string, long>> ReadAsync(CometClient client, DurableLoad load)
    {
        var partition = (await client.Topics.DescribeAsync(Topic)).Partitions[0];
        await using var reader = await client.CreateReaderAsync<string>(Topic);
        using var limit = new CancellationTokenSource(Limits.Wait);
        var stored = new Dictionary<string, long>(StringComparer.Ordinal);
        for (var offset = partition.StartOffset; offset < partition.EndOffset; offset++)
        {
            var delivery = await reader.ReceiveAsync(limit.Token);
            Assert.True(load.WasSent(delivery.Value), $"{delivery.Value} was never sent");
            Assert.True(stored.TryAdd(delivery.Value, delivery.Id.Offset), $"{delivery.Value} is stored twice");
        }
        return stored;
    }

    private static async Task<HashSet<string>> ConsumeAsync(CometClient client, string subscription, int most)
    {
        var backlog = (await client.Topics.DescribeAsync(Topic)).Subscriptions.Single(s => s.Name == subscription).Backlog;
        Assert.InRange(backlog, 0, most);
        await using var consumer = await client.SubscribeAsync<string>(Topic, subscription, new()
        {
            Type = subscription == "shared" ? SubscriptionType.Shared : SubscriptionType.Exclusive,
        });
        using var limit = new CancellationTokenSource(Limits.Wait);
        var came = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < backlog; i++)
            came.Add((await consumer.ReceiveAsync(limit.Token)).Value);
        return came;
    }
}
