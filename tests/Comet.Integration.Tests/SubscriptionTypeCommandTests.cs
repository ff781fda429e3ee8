using System.Text;
using Comet.Client;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>Every subscription type from the command line, several consumers at a time.</summary>
public sealed class SubscriptionTypeCommandTests
{
    [Fact]
    public async Task On_failover_the_consumer_of_the_lowest_level_gets_all_and_the_next_one_takes_over()
    {
        await using var server = await CometServerProcess.StartAsync();
        await using var client = await CometClient.ConnectAsync(server.Address);
        await using var second = StartConsumer(server, "failover", "--consumer", "second", "--priority", "2");
        await WaitForConsumersAsync(client, 1);
        await using var first = StartConsumer(server, "failover", "--consumer", "first", "--priority", "1");
        await WaitForConsumersAsync(client, 2);

        await ProduceAsync(server, "a\nb\n");
        await first.Output.WaitForLinesAsync(2);
        first.Send(Signal.Terminate);
        Assert.Equal(["a", "b"], (await first.WaitForExitAsync()).Exits(0).Lines);
        await ProduceAsync(server, "c\n");
        await second.Output.WaitForLinesAsync(1);
        second.Send(Signal.Terminate);
        Assert.Equal(["c"], (await second.WaitForExitAsync()).Exits(0).Lines);
    }

    [Fact]
    public async Task On_key_shared_the_messages_of_a_key_go_to_one_consumer_in_order()
    {
        await using var server = await CometServerProcess.StartAsync();
        await using var client = await CometClient.ConnectAsync(server.Address);
        // Names whose shares are known: the two differ in the keys below.
        await using var one = StartConsumer(server, "key-shared", "--consumer", "one", "--json");
        await using var two = StartConsumer(server, "key-shared", "--consumer", "two", "--json");
        await WaitForConsumersAsync(client, 2);
        await using var producer = await client.CreateProducerAsync<string>("t");
        for (var i = 0; i < 60; i++)
            await producer.SendAsync(new OutgoingMessage<string>($"{i}") { Key = $"k{i % 20}" });
        await WaitUntilAllIsAckedAsync(client);

        var lines = new List<(string Consumer, string Key, int Number)>();
        foreach (var (name, process) in new[] { ("one", one), ("two", two) })
        {
            process.Send(Signal.Terminate);
            lines.AddRange((await process.WaitForExitAsync()).Exits(0).Json.Select(line => (name,
                line.GetProperty("key").GetString()!, int.Parse(line.GetProperty("payload").GetString()!))));
        }
        Assert.Equal(60, lines.Count);
        Assert.Equal(2, lines.Select(static l => l.Consumer).Distinct().Count());
        Assert.All(lines.GroupBy(static l => l.Key), static key =>
        {
            Assert.Single(key.Select(static l => l.Consumer).Distinct());
            Assert.Equal(key.Select(static l => l.Number).Order(), key.Select(static l => l.Number));
        });
    }

    [Fact]
    public async Task On_shared_each_message_goes_to_one_of_them_and_an_exclusive_consumer_is_refused()
    {
        await using var server = await CometServerProcess.StartAsync();
        await using var client = await CometClient.ConnectAsync(server.Address);
        await using var one = StartConsumer(server, "shared");
        await using var two = StartConsumer(server, "shared");
        await WaitForConsumersAsync(client, 2);
        var refused = (await server.RunAsync("consume", "t", "--subscription", "s", "--count", "1")).Exits(1);
        Assert.Contains("SubscriptionTypeMismatch", refused.Errors, StringComparison.Ordinal);

        await ProduceAsync(server, string.Concat(Enumerable.Range(0, 50).Select(static i => $"m{i}\n")));
        await WaitUntilAllIsAckedAsync(client);
        one.Send(Signal.Terminate);
        two.Send(Signal.Terminate);
        string[] all = [.. (await one.WaitForExitAsync()).Exits(0).Lines, .. (await two.WaitForExitAsync()).Exits(0).Lines];
        Assert.Equal(Enumerable.Range(0, 50).Select(static i => $"m{i}").Order(), all.Order());
    }

    [Fact]
    public async Task A_second_consumer_of_an_exclusive_subscription_is_refused_and_a_new_one_begins_at_an_offset()
    {
        await using var server = await CometServerProcess.StartAsync();
        await using var client = await CometClient.ConnectAsync(server.Address);
        await using var one = StartConsumer(server, "exclusive", "--from", "2");
        await WaitForConsumersAsync(client, 1);
        var refused = (await server.RunAsync("consume", "t", "--subscription", "s", "--count", "1")).Exits(1);
        Assert.Contains("ConsumerBusy", refused.Errors, StringComparison.Ordinal);
        await ProduceAsync(server, "a\nb\nc\n");
        Assert.Equal(["c"], (await server.RunAsync("consume", "t", "--subscription", "n", "--from", "2", "--count", "1")).Exits(0).Lines);
    }

    [Fact]
    public async Task What_a_named_producer_sends_again_is_stored_once()
    {
        await using var server = await CometServerProcess.StartAsync();
        string[] numbered = ["--producer-name", "loader", "--first-sequence", "0"];
        await ProduceAsync(server, "a\nb\n", numbered);
        await ProduceAsync(server, "a\nb\nc\n", numbered);
        Assert.Equal(["a", "b", "c"], (await server.RunAsync("replay", "t")).Exits(0).Lines);
    }

    private static CometProcess StartConsumer(CometServerProcess server, string type, params string[] options) =>
        server.Start(["consume", "t", "--subscription", "s", "--type", type, .. options]);

    private static async Task ProduceAsync(CometServerProcess server, string lines, params string[] options) =>
        (await CometProcess.RunWithInputAsync(Encoding.UTF8.GetBytes(lines), ["produce", "t", .. options, "--server", server.Address]))
            .Exits(0);

    private static async Task WaitForConsumersAsync(CometClient client, int count)
    {
        await client.Topics.CreateAsync("t", ifNotExists: true);
        while ((await client.Topics.DescribeAsync("t")).Subscriptions.Sum(static s => s.Consumers) != count)
            await client.PingAsync(TestContext.Current.CancellationToken);
    }

    private static async Task WaitUntilAllIsAckedAsync(CometClient client)
    {
        while ((await client.Subscriptions.DescribeAsync("t", "s")).Sum(static s => s.Backlog) > 0)
            await client.PingAsync(TestContext.Current.CancellationToken);
    }
}
