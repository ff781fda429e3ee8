using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>comet explain, against a server with a subscription that stands still.</summary>
public sealed class ExplainCommandTests
{
    [Fact]
    public async Task It_tells_why_nothing_arrives_and_what_to_do()
    {
        await using var server = await CometServerProcess.StartAsync();
        (await server.RunAsync("produce", "orders", "--count", "5", "--size", "10")).Exits(0);
        (await server.RunAsync("consume", "orders", "--subscription", "billing", "--from", "earliest", "--count", "2")).Exits(0);

        var lines = (await server.RunAsync("explain", "orders", "billing")).Exits(0).Lines;
        Assert.Equal("subscription billing of orders (Exclusive): 3 messages not acked", lines[0]);
        Assert.StartsWith("  partition 0: 3 messages not acked, the oldest is 2 and was stored ", lines[1], StringComparison.Ordinal);
        Assert.Equal("    Message 2 waits because no consumer is attached.", lines[2]);
        Assert.StartsWith("    -> Start a consumer of this topic and subscription.", lines[3], StringComparison.Ordinal);
        Assert.Equal(4, lines.Length);

        (await server.RunAsync("consume", "orders", "--subscription", "billing", "--count", "3")).Exits(0);
        lines = (await server.RunAsync("explain", "orders", "billing")).Exits(0).Lines;
        Assert.Equal("    Everything that was published here is acked.", lines[2]);
    }

    [Fact]
    public async Task With_json_it_is_one_object_and_what_is_not_there_is_an_error()
    {
        await using var server = await CometServerProcess.StartAsync("--partitions", "2");
        (await server.RunAsync("produce", "t", "--count", "1")).Exits(0);
        (await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--count", "1")).Exits(0);
        var explained = Assert.Single((await server.RunAsync("explain", "t", "s", "--json")).Exits(0).Json);
        Assert.Equal("Exclusive", explained.GetProperty("type").GetString());
        Assert.Equal(["NothingToDeliver", "NothingToDeliver"],
            explained.GetProperty("partitions").EnumerateArray().Select(static p => p.GetProperty("reason").GetString()));
        Assert.Contains("SubscriptionNotFound", (await server.RunAsync("explain", "t", "x")).Exits(1).Errors, StringComparison.Ordinal);
        Assert.Contains("TopicNotFound", (await server.RunAsync("explain", "x", "s")).Exits(1).Errors, StringComparison.Ordinal);
    }
}
