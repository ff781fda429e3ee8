using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>comet topic, as text and as JSON.</summary>
public sealed class TopicCommandTests
{
    private const string Empty = "\t0 message(s)\t0 bytes";

    [Fact]
    public async Task Topics_are_created_listed_described_and_deleted()
    {
        await using var server = await CometServerProcess.StartAsync();
        Assert.Equal("topic orders created\n", (await server.RunAsync("topic", "create", "orders", "--partitions", "3")).Exits(0).Output);
        var again = (await server.RunAsync("topic", "create", "orders")).Exits(1);
        Assert.Contains("TopicAlreadyExists", again.Errors, StringComparison.Ordinal);
        (await server.RunAsync("topic", "create", "orders", "-p", "3", "--if-not-exists")).Exits(0);
        (await server.RunAsync("topic", "create", "bills")).Exits(0);

        Assert.Equal([$"bills\t1 partition(s){Empty}", $"orders\t3 partition(s){Empty}"],
            (await server.RunAsync("topic", "list")).Exits(0).Lines.Order());
        Assert.Equal([$"orders\t3 partition(s){Empty}"], (await server.RunAsync("topic", "list", "or")).Exits(0).Lines);
        Assert.Empty((await server.RunAsync("topic", "list", "x")).Exits(0).OutputBytes);

        var described = (await server.RunAsync("topic", "describe", "orders")).Exits(0).Lines;
        Assert.Equal(
            ["topic orders", .. Enumerable.Range(0, 3).Select(static p =>
                $"  partition {p}: 0 messages, the next is offset 0, 0 bytes, 0 producer(s)")],
            described);
        (await server.RunAsync("produce", "bills", "--count", "1", "--size", "10")).Exits(0);
        Assert.StartsWith("  partition 0: 1 message, offset 0, ", await DescribePartitionAsync(server), StringComparison.Ordinal);
        (await server.RunAsync("produce", "bills", "--count", "1499", "--size", "10")).Exits(0);
        Assert.StartsWith("  partition 0: 1,500 messages, offsets 0 to 1499, ", await DescribePartitionAsync(server),
            StringComparison.Ordinal);

        Assert.Equal("topic orders deleted\n", (await server.RunAsync("topic", "delete", "orders")).Exits(0).Output);
        Assert.Matches(@"^bills\t1 partition\(s\)\t1,500 message\(s\)\t[1-9]\d*,\d{3} bytes$",
            Assert.Single((await server.RunAsync("topic", "list")).Exits(0).Lines));
    }

    [Fact]
    public async Task With_json_every_line_is_an_object()
    {
        await using var server = await CometServerProcess.StartAsync();
        Assert.Equal("""{"topic":"t","change":"created"}""", (await server.RunAsync("topic", "create", "t", "--json")).Exits(0).Lines[0]);
        (await server.RunAsync("produce", "t", "--count", "5", "--size", "10")).Exits(0);
        (await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--count", "2")).Exits(0);

        var listed = Assert.Single((await server.RunAsync("topic", "list", "--json")).Exits(0).Json);
        Assert.Equal(("t", 1), (listed.GetProperty("name").GetString(), listed.GetProperty("partitionCount").GetInt32()));
        Assert.Equal(5, listed.GetProperty("messages").GetInt64());
        Assert.InRange(listed.GetProperty("bytes").GetInt64(), 50, 5_000);

        var described = Assert.Single((await server.RunAsync("topic", "describe", "t", "--json")).Exits(0).Json);
        Assert.Equal("t", described.GetProperty("name").GetString());
        var partition = Assert.Single(described.GetProperty("partitions").EnumerateArray());
        Assert.Equal((0L, 5L), (partition.GetProperty("startOffset").GetInt64(), partition.GetProperty("endOffset").GetInt64()));
        var subscription = Assert.Single(described.GetProperty("subscriptions").EnumerateArray());
        Assert.Equal(("s", "Exclusive"), (subscription.GetProperty("name").GetString(), subscription.GetProperty("type").GetString()));
        Assert.Equal((3L, 0), (subscription.GetProperty("backlog").GetInt64(), subscription.GetProperty("consumers").GetInt32()));

        Assert.Equal("""{"topic":"t","change":"deleted"}""", (await server.RunAsync("topic", "delete", "t", "--json")).Exits(0).Lines[0]);
    }

    [Fact]
    public async Task Topics_are_created_on_first_use_unless_the_server_is_told_otherwise()
    {
        await using var server = await CometServerProcess.StartAsync("--partitions", "2");
        (await server.RunAsync("produce", "t", "--count", "1")).Exits(0);
        Assert.StartsWith("t\t2 partition(s)\t1 message(s)\t", Assert.Single((await server.RunAsync("topic", "list")).Exits(0).Lines),
            StringComparison.Ordinal);

        await using var strict = await CometServerProcess.StartAsync("--no-auto-create");
        Assert.Contains("TopicNotFound", (await strict.RunAsync("produce", "t", "--count", "1")).Exits(1).Errors, StringComparison.Ordinal);
        Assert.Empty((await strict.RunAsync("topic", "list")).Exits(0).OutputBytes);
    }

    [Fact]
    public async Task Sizes_are_told_after_a_restart_too()
    {
        using var folder = new TemporaryFolder();
        string[] storage = ["--storage", "local", "--data", folder.Path("data")];
        string[] before;
        await using (var server = await CometServerProcess.StartAsync(storage))
        {
            (await server.RunAsync("produce", "kept", "--count", "20", "--size", "10")).Exits(0);
            (await server.RunAsync("topic", "create", "empty", "--partitions", "2")).Exits(0);
            before = (await server.RunAsync("topic", "list")).Exits(0).Lines;
            server.Process.Send(Signal.Terminate);
            (await server.Process.WaitForExitAsync()).Exits(0);
        }
        Assert.Equal($"empty\t2 partition(s){Empty}", before[0]);
        Assert.StartsWith("kept\t1 partition(s)\t20 message(s)\t", before[1], StringComparison.Ordinal);
        await using var again = await CometServerProcess.StartAsync(storage);
        Assert.Equal(before, (await again.RunAsync("topic", "list")).Exits(0).Lines);
    }

    private static async Task<string> DescribePartitionAsync(CometServerProcess server) =>
        (await server.RunAsync("topic", "describe", "bills")).Exits(0).Lines[1];
}
