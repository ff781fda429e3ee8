using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>comet topic create and update with a policy, as text and as JSON.</summary>
public sealed class PolicyCommandTests
{
    [Fact]
    public async Task A_policy_is_given_at_creation_described_and_changed()
    {
        await using var server = await CometServerProcess.StartAsync();
        (await server.RunAsync(
            "topic", "create", "t", "--retention-age", "7d", "--retention-bytes", "1GiB", "--ttl", "90m", "--quota", "64MiB",
            "--quota-action", "drop-oldest", "--durability", "memory")).Exits(0);
        Assert.Equal(
            "  policy: retention 7 d and 1,073,741,824 bytes; ttl 5400 s; quota 67,108,864 bytes, DropOldest; durability Memory",
            (await server.RunAsync("topic", "describe", "t")).Exits(0).Lines[1]);

        var updated = await server.RunAsync(
            "topic", "update", "t", "--retention-messages", "1000", "--ttl", "none", "--quota", "none", "--partitions", "3");
        Assert.Equal("topic t updated\n", updated.Exits(0).Output);
        var described = Assert.Single((await server.RunAsync("topic", "describe", "t", "--json")).Exits(0).Json);
        Assert.Equal(3, described.GetProperty("partitions").GetArrayLength());
        var policy = described.GetProperty("policy");
        Assert.Equal(1000, policy.GetProperty("retention").GetProperty("maxMessages").GetInt64());
        Assert.False(policy.GetProperty("retention").TryGetProperty("maxAge", out _));
        Assert.Equal(long.MaxValue, policy.GetProperty("backlogQuota").GetProperty("maxBytes").GetInt64());
        Assert.Equal("Memory", policy.GetProperty("defaultDurability").GetString());

        (await server.RunAsync("topic", "update", "t", "--retention", "until-room", "--durability", "none")).Exits(0);
        Assert.StartsWith("  partition 0", (await server.RunAsync("topic", "describe", "t")).Exits(0).Lines[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--retention-messages 0 --retention-age 7d", 1, "keeps nothing")]
    [InlineData("--durability disk", 1, "cannot promise Disk")]
    [InlineData("--partitions 1", 1, "number only grows")]
    [InlineData("--retention none --retention-age 7d", 2, "does not go with")]
    [InlineData("--quota-action refuse", 2, "needs --quota")]
    [InlineData("--ttl soon", 2, "'soon' is not a duration")]
    [InlineData("--quota much", 2, "'much' is not a size")]
    [InlineData("", 2, "Say what to change")]
    public async Task What_cannot_be_is_refused_with_a_sentence(string arguments, int exitCode, string sentence)
    {
        await using var server = await CometServerProcess.StartAsync();
        (await server.RunAsync("topic", "create", "t", "--partitions", "2")).Exits(0);
        var refused = (await server.RunAsync(
            ["topic", "update", "t", .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)])).Exits(exitCode);
        Assert.Contains(sentence, refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Retention_time_to_live_and_quota_work_end_to_end()
    {
        await using var server = await CometServerProcess.StartAsync();
        (await server.RunAsync("topic", "create", "kept", "--retention-messages", "10")).Exits(0);
        (await server.RunAsync("produce", "kept", "--count", "100", "--size", "10")).Exits(0);
        var kept = Assert.Single((await server.RunAsync("topic", "describe", "kept", "--json")).Exits(0).Json);
        Assert.True(kept.GetProperty("partitions")[0].GetProperty("endOffset").GetInt64() == 100);
        Assert.InRange((await server.RunAsync("replay", "kept")).Exits(0).Lines.Length, 10, 100);

        (await server.RunAsync("topic", "create", "short", "--ttl", "1ms")).Exits(0);
        (await server.RunAsync("subscription", "create", "short", "s")).Exits(0);
        (await server.RunAsync("produce", "short", "--count", "5", "--size", "10")).Exits(0);
        var expired = Assert.Single((await server.RunAsync("subscription", "describe", "short", "s", "--json")).Exits(0).Json);
        Assert.Equal((5, 0), (expired.GetProperty("expired").GetInt64(), expired.GetProperty("backlog").GetInt64()));

        (await server.RunAsync("topic", "create", "full", "--quota", "1k")).Exits(0);
        (await server.RunAsync("subscription", "create", "full", "s")).Exits(0);
        await using var producing = server.Start("produce", "full", "--count", "100", "--size", "500");
        var consumed = (await server.RunAsync("consume", "full", "--subscription", "s", "--count", "100")).Exits(0);
        Assert.Equal(100, consumed.Lines.Length);
        (await producing.WaitForExitAsync()).Exits(0);

        (await server.RunAsync("topic", "create", "drop", "--quota", "1k", "--quota-action", "drop-oldest")).Exits(0);
        (await server.RunAsync("subscription", "create", "drop", "s")).Exits(0);
        (await server.RunAsync("produce", "drop", "--count", "5", "--size", "1000")).Exits(0);
        var dropped = Assert.Single((await server.RunAsync("subscription", "describe", "drop", "s", "--json")).Exits(0).Json);
        Assert.InRange(dropped.GetProperty("dropped").GetInt64(), 1, 5);
    }

    [Fact]
    public async Task A_change_of_retention_and_of_partitions_takes_effect_at_once()
    {
        await using var server = await CometServerProcess.StartAsync();
        (await server.RunAsync("topic", "create", "t", "--retention", "forever")).Exits(0);
        (await server.RunAsync("produce", "t", "--count", "20", "--size", "10")).Exits(0);
        Assert.Equal(20, (await server.RunAsync("replay", "t")).Exits(0).Lines.Length);
        (await server.RunAsync("topic", "update", "t", "--retention", "none")).Exits(0);
        Assert.Empty((await server.RunAsync("replay", "t")).Exits(0).OutputBytes);

        (await server.RunAsync("subscription", "create", "t", "s")).Exits(0);
        (await server.RunAsync("produce", "t", "--count", "20", "--size", "10")).Exits(0);
        (await server.RunAsync("topic", "update", "t", "--partitions", "3")).Exits(0);
        for (var run = 0; run < 2; run++)
            (await server.RunAsync("produce", "t", "--count", "20", "--size", "10", "--key", $"k{run}")).Exits(0);
        Assert.Equal(60, (await server.RunAsync("consume", "t", "--subscription", "s", "--count", "60")).Exits(0).Lines.Length);
    }
}
