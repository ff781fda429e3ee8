using System.Globalization;
using System.Text;
using Comet.Client;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>Scheduled messages from the command line, against a server process.</summary>
public sealed class ScheduleCommandTests
{
    [Fact]
    public async Task A_delayed_message_comes_after_its_delay_and_not_before()
    {
        await using var server = await CometServerProcess.StartAsync();
        await using var client = await CometClient.ConnectAsync(server.Address);
        await using var consumer = server.Start("consume", "t", "--subscription", "s", "--count", "3");
        await client.Topics.CreateAsync("t", ifNotExists: true);
        while ((await client.Topics.DescribeAsync("t")).Subscriptions is not [{ Consumers: 1 }])
            await client.PingAsync();
        var start = TimeProvider.System.GetTimestamp();

        // Long enough for two more commands on a busy machine.
        var delay = TimeSpan.FromSeconds(12);
        (await ProduceAsync(server, "later\n", "--delay", $"{delay.TotalSeconds}s")).Exits(0);
        (await ProduceAsync(server, "now\n")).Exits(0);
        (await ProduceAsync(server, "past\n", "--deliver-at", "2001-02-03T04:05:06Z")).Exits(0);

        Assert.Equal(["now", "past", "later"], (await consumer.WaitForExitAsync()).Exits(0).Lines);
        Assert.True(TimeProvider.System.GetElapsedTime(start) >= delay, "It came early.");
    }

    [Fact]
    public async Task A_server_holds_as_many_scheduled_messages_as_it_was_told_to_and_says_what_to_raise()
    {
        await using var server = await CometServerProcess.StartAsync("--max-scheduled", "1");
        (await ProduceAsync(server, "one\n", "--delay", "1h")).Exits(0);
        var refused = (await ProduceAsync(server, "two\n", "--delay", "1h", "--timeout", "300ms")).Exits(1);
        Assert.Contains("the broker holds 1: cancel some, or raise MaxScheduledMessages (comet serve --max-scheduled).", refused.Errors,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scheduled_messages_are_listed_counted_moved_and_cancelled()
    {
        await using var server = await CometServerProcess.StartAsync();
        (await ProduceAsync(server, "a\nbb\n", "--delay", "2h", "--key", "A-17")).Exits(0);
        (await ProduceAsync(server, "c\n", "--deliver-at", "2029-12-31T23:00:00Z")).Exits(0);
        (await ProduceAsync(server, "plain\n")).Exits(0);

        var listed = (await server.RunAsync("schedule", "list", "t", "--json")).Exits(0).Json.ToList();
        Assert.Equal(["t-0@0", "t-0@1", "t-0@2"], listed.Select(static l => l.GetProperty("id").GetString()));
        Assert.Equal(("A-17", 2), (listed[1].GetProperty("key").GetString(), listed[1].GetProperty("payloadLength").GetInt32()));
        Assert.Equal("2029-12-31T23:00:00Z", listed[2].GetProperty("deliverAt").GetString());
        var byKey = (await server.RunAsync("schedule", "list", "t", "--key", "A-17", "--count", "1")).Exits(0).Lines;
        Assert.StartsWith("t-0@0\t", Assert.Single(byKey), StringComparison.Ordinal);
        var before = TimeProvider.System.GetUtcNow().AddDays(1).ToString("O", CultureInfo.InvariantCulture);
        Assert.Equal("2 scheduled message(s)\n", (await server.RunAsync("schedule", "count", "t", "--to", before)).Exits(0).Output);

        Assert.Equal("t-0@2: Rescheduled\n", (await server.RunAsync("schedule", "reschedule", "t", "--id", "t-0@2", "--delay", "1s"))
            .Exits(0).Output);
        Assert.Equal("t-0@0: Cancelled\n", (await server.RunAsync("schedule", "cancel", "t", "--id", "t-0@0")).Exits(0).Output);
        Assert.Equal("""{"topic":"t","result":"Cancelled","count":1}""",
            (await server.RunAsync("schedule", "cancel", "t", "--key", "A-17", "--json")).Exits(0).Lines[0]);
        var consumed = (await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--count", "2")).Exits(0);
        Assert.Equal(["c", "plain"], consumed.Lines.Order());
        Assert.Equal("t-0@2: AlreadyDelivered\n", (await server.RunAsync("schedule", "cancel", "t", "--id", "t-0@2")).Exits(1).Output);
        Assert.Equal("t-0@9: NotFound\n", (await server.RunAsync("schedule", "cancel", "t", "--id", "t-0@9")).Exits(1).Output);
        Assert.Equal("0 scheduled message(s)\n", (await server.RunAsync("schedule", "count", "t")).Exits(0).Output);
    }

    [Theory]
    [InlineData("cancel", "t")]
    [InlineData("cancel", "t", "--id", "u-0@1")]
    [InlineData("cancel", "t", "--id", "t-0@1", "--key", "k")]
    [InlineData("reschedule", "t", "--id", "t-0@1")]
    [InlineData("reschedule", "t", "--id", "t-0@1", "--delay", "1s", "--deliver-at", "2030-01-01")]
    [InlineData("reschedule", "t", "--id", "t-0@1", "--deliver-at", "soon")]
    public async Task Wrong_usage_is_told(params string[] arguments)
    {
        await using var server = await CometServerProcess.StartAsync();
        var result = (await server.RunAsync(["schedule", .. arguments])).Exits(2);
        Assert.NotEqual("", result.Errors);
    }

    private static Task<CometResult> ProduceAsync(CometServerProcess server, string lines, params string[] options) =>
        CometProcess.RunWithInputAsync(
            Encoding.UTF8.GetBytes(lines), ["produce", "t", .. options, "--server", server.Address]);
}
