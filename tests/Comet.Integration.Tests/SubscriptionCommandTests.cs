using System.Diagnostics;
using System.Text;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>comet subscription, seek and replay.</summary>
public sealed class SubscriptionCommandTests
{
    [Fact]
    public async Task Subscriptions_are_created_listed_described_and_deleted()
    {
        await using var server = await CometServerProcess.StartAsync();
        (await server.RunAsync("topic", "create", "t", "--partitions", "2")).Exits(0);
        Assert.Equal(
            "subscription s of t created\n",
            (await server.RunAsync("subscription", "create", "t", "s", "--type", "shared")).Exits(0).Output);
        Assert.Contains("SubscriptionAlreadyExists", (await server.RunAsync("subscription", "create", "t", "s")).Exits(1).Errors,
            StringComparison.Ordinal);
        (await server.RunAsync("subscription", "create", "t", "s", "--type", "shared", "--if-not-exists")).Exits(0);
        (await server.RunAsync("produce", "t", "--count", "6", "--size", "10")).Exits(0);
        Assert.Equal(["s\tShared\tbacklog 6\t0 consumer(s)"], (await server.RunAsync("subscription", "list", "t")).Exits(0).Lines);
        var listed = Assert.Single((await server.RunAsync("subscription", "list", "t", "--json")).Exits(0).Json);
        Assert.Equal(("s", 6L), (listed.GetProperty("name").GetString(), listed.GetProperty("backlog").GetInt64()));
        var lines = (await server.RunAsync("subscription", "describe", "t", "s")).Exits(0).Lines;
        Assert.Equal(2, lines.Length);
        Assert.Contains(lines, static l => l.Contains(", oldest unacked 0 of 2", StringComparison.Ordinal));
        Assert.Equal(
            """{"topic":"t","subscription":"s","change":"deleted"}""",
            (await server.RunAsync("subscription", "delete", "t", "s", "--json")).Exits(0).Lines[0]);
        Assert.Empty((await server.RunAsync("subscription", "list", "t")).Exits(0).OutputBytes);
        var missing = (await server.RunAsync("subscription", "describe", "t", "s")).Exits(1);
        Assert.Contains("SubscriptionNotFound", missing.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_subscription_is_moved_and_its_messages_come_again()
    {
        await using var server = await CometServerProcess.StartAsync();
        var sent = Enumerable.Range(0, 10).Select(static i => $"m{i}").ToArray();
        (await server.RunAsync("subscription", "create", "t", "s")).Exits(1);
        (await server.RunAsync("topic", "create", "t")).Exits(0);
        foreach (var message in sent)
            await ProduceAsync(server, message);
        Assert.Equal(sent, await ConsumeAsync(server, 10));
        Assert.Equal(
            "subscription s of t moved to offset 7\n",
            (await server.RunAsync("seek", "t", "--subscription", "s", "--to", "7")).Exits(0).Output);
        Assert.Equal(sent[7..], await ConsumeAsync(server, 3));
        (await server.RunAsync("seek", "t", "--subscription", "s", "--to", "1h")).Exits(0);
        Assert.Equal(sent, await ConsumeAsync(server, 10));
        (await server.RunAsync("seek", "t", "--subscription", "s", "--to", "earliest")).Exits(0);
        (await server.RunAsync("seek", "t", "--subscription", "s", "--to", "latest")).Exits(0);
        await ProduceAsync(server, "new");
        Assert.Equal(["new"], await ConsumeAsync(server, 1));
        Assert.Contains("is no position", (await server.RunAsync("seek", "t", "--subscription", "s", "--to", "x")).Exits(2).Errors,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replay_writes_a_stretch_at_its_speed()
    {
        await using var server = await CometServerProcess.StartAsync("--partitions", "2");
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < 6; i++)
            await ProduceAsync(server, $"m{i}");
        var took = Stopwatch.GetElapsedTime(started);
        Assert.Equal(["m0", "m1", "m2", "m3", "m4", "m5"], (await server.RunAsync("replay", "t")).Exits(0).Lines);
        Assert.Empty((await server.RunAsync("replay", "t", "--from", "latest")).Exits(0).OutputBytes);
        var lines = (await server.RunAsync("replay", "t", "--from", "1h", "--to", "latest", "--speed", "2x", "--json")).Exits(0).Json;
        Assert.Equal(6, lines.Length);
        var times = lines.Select(static l => l.GetProperty("appendTime").GetDateTimeOffset()).ToList();
        Assert.InRange(times[^1] - times[0], TimeSpan.Zero, took);

        var gap = times[^1] - times[0];
        started = Stopwatch.GetTimestamp();
        (await server.RunAsync("replay", "t", "--speed", "original")).Exits(0);
        Assert.True(Stopwatch.GetElapsedTime(started) >= gap);
        Assert.Contains("is no speed", (await server.RunAsync("replay", "t", "--speed", "fast")).Exits(2).Errors, StringComparison.Ordinal);
    }

    private static async Task ProduceAsync(CometServerProcess server, string message) =>
        (await CometProcess.RunWithInputAsync(Encoding.UTF8.GetBytes(message + "\n"), "produce", "t", "--server", server.Address)).Exits(0);

    private static async Task<IReadOnlyList<string>> ConsumeAsync(CometServerProcess server, int count) =>
        (await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--count", $"{count}", "--timeout", "20s"))
            .Exits(0).Lines;
}
