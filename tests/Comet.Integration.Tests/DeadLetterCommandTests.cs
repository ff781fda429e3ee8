using System.Text;
using Comet.Client;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>What comes back and is given up: consume --nack and --dead-letter, comet dlq list and redrive.</summary>
public sealed class DeadLetterCommandTests
{
    private const string DeadLetterTopic = "t/s/dead-letters";

    [Fact]
    public async Task What_is_given_back_comes_again_after_its_delay_and_then_becomes_a_dead_letter_that_is_moved_back()
    {
        await using var server = await CometServerProcess.StartAsync();
        await ProduceAsync(server, "broken\n", "--key", "k");
        var start = TimeProvider.System.GetTimestamp();
        var given = await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--nack", "--delay", "300ms",
            "--reason", "no such customer", "--max-deliveries", "2", "--count", "2", "--json");
        Assert.Equal([1, 2], given.Exits(0).Json.Select(static l => l.GetProperty("deliveryCount").GetInt32()));
        Assert.True(TimeProvider.System.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(300), "It came early.");
        await WaitUntilAllIsAckedAsync(server);

        var letter = Assert.Single((await server.RunAsync("dlq", "list", "t", "--subscription", "s", "--json")).Exits(0).Json);
        Assert.Equal(
            ("t/s/dead-letters-0@0", "t-0@0", "s", "max-deliveries", "no such customer", "k", "broken", 2),
            (Text(letter, "id"), Text(letter, "origin"), Text(letter, "subscription"), Text(letter, "reason"), Text(letter, "exception"),
                Text(letter, "key"), Text(letter, "payload"), letter.GetProperty("deliveries").GetInt32()));
        var line = Assert.Single((await server.RunAsync("dlq", "list", DeadLetterTopic)).Exits(0).Lines);
        Assert.StartsWith("t/s/dead-letters-0@0\tfrom t-0@0\tmax-deliveries\t2 deliveries\t", line, StringComparison.Ordinal);

        Assert.Equal("moved 1 message(s) back\n", (await server.RunAsync("dlq", "redrive", "t", "--subscription", "s")).Exits(0).Output);
        Assert.Empty((await server.RunAsync("dlq", "list", "t", "--subscription", "s")).Exits(0).OutputBytes);
        var again = Assert.Single((await server.RunAsync("consume", "t", "--subscription", "s", "--count", "1", "--json")).Exits(0).Json);
        Assert.Equal(("broken", "1"), (Text(again, "payload"), Text(again.GetProperty("headers"), DeadLetterHeaders.RedriveCount)));
    }

    [Fact]
    public async Task Messages_are_given_up_listed_and_moved_back_in_portions()
    {
        await using var server = await CometServerProcess.StartAsync();
        await ProduceAsync(server, "a\nb\nc\n");
        (await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--dead-letter", "--reason", "unreadable",
            "--count", "3")).Exits(0);
        await WaitUntilAllIsAckedAsync(server);

        string[] list = ["dlq", "list", "t", "--subscription", "s", "--json"];
        Assert.Equal(["a", "b"], (await server.RunAsync([.. list, "--count", "2"])).Exits(0).Json.Select(static l => Text(l, "payload")));
        Assert.Equal($$"""{"deadLetterTopic":"{{DeadLetterTopic}}","moved":2,"left":0}""",
            (await server.RunAsync("dlq", "redrive", "t", "--subscription", "s", "--count", "2", "--json")).Exits(0).Lines[0]);
        var left = Assert.Single((await server.RunAsync(list)).Exits(0).Json);
        Assert.Equal(("c", "given-up", "unreadable"), (Text(left, "payload"), Text(left, "reason"), Text(left, "exception")));
        Assert.Equal("moved 0 message(s) back\n", (await server.RunAsync("dlq", "redrive", "t/none/dead-letters")).Exits(0).Output);

        (await server.RunAsync("subscription", "create", "t", "healthy")).Exits(0);
        Assert.Empty((await server.RunAsync("dlq", "list", "t", "--subscription", "healthy")).Exits(0).OutputBytes);
        foreach (var command in new[] { "list", "redrive" })
        {
            var refused = (await server.RunAsync("dlq", command, "t", "--subscription", "misspelt")).Exits(1);
            Assert.Contains("SubscriptionNotFound", refused.Errors, StringComparison.Ordinal);
            Assert.Contains("TopicNotFound", (await server.RunAsync("dlq", command, "nothing")).Exits(1).Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_topic_alone_means_the_dead_letters_of_all_its_subscriptions()
    {
        await using var server = await CometServerProcess.StartAsync();
        await ProduceAsync(server, "a\nb\n");
        foreach (var subscription in new[] { "s", "u" })
        {
            (await server.RunAsync("consume", "t", "--subscription", subscription, "--from", "earliest", "--dead-letter", "--count", "2"))
                .Exits(0);
            await WaitUntilAllIsAckedAsync(server, subscription);
        }
        string[] list = ["dlq", "list", "t", "--json"];
        var all = (await server.RunAsync(list)).Exits(0);
        Assert.Equal(["sa", "sb", "ua", "ub"], all.Json.Select(static l => Text(l, "subscription") + Text(l, "payload")));
        Assert.Equal("", all.Errors);
        Assert.Equal(3, (await server.RunAsync([.. list, "--count", "3"])).Exits(0).Lines.Length);

        var moved = (await server.RunAsync("dlq", "redrive", "t", "--count", "3")).Exits(0);
        Assert.Equal("moved 2 message(s) back from t/s/dead-letters\nmoved 1 message(s) back from t/u/dead-letters\n", moved.Output);
        Assert.Equal("b", Text(Assert.Single((await server.RunAsync(list)).Exits(0).Json), "payload"));
    }

    [Fact]
    public async Task A_topic_alone_does_not_mean_the_dead_letters_of_the_topics_below_it()
    {
        await using var server = await CometServerProcess.StartAsync();
        await using var client = await CometClient.ConnectAsync(server.Address);
        foreach (var (topic, subscription) in ((string, string)[])[("t", "s"), ("t", "below/own"), ("t/below", "other")])
        {
            await using var consumer = await client.SubscribeAsync<string>(topic, subscription);
            await using var producer = await client.CreateProducerAsync<string>(topic);
            await producer.SendAsync(subscription);
            await (await consumer.ReceiveAsync(TestContext.Current.CancellationToken)).DeadLetterAsync();
            while ((await client.Subscriptions.DescribeAsync(topic, subscription)).Sum(static s => s.Backlog) > 0)
                await client.PingAsync(TestContext.Current.CancellationToken);
        }

        var listed = (await server.RunAsync("dlq", "list", "t", "--json")).Exits(0).Json;
        Assert.Equal(["below/own", "s"], listed.Select(static l => Text(l, "payload")));
        (await server.RunAsync("dlq", "redrive", "t")).Exits(0);
        Assert.Single((await server.RunAsync("dlq", "list", "t/below")).Exits(0).Lines);
    }

    private static string? Text(System.Text.Json.JsonElement line, string property) => line.GetProperty(property).GetString();

    private static async Task ProduceAsync(CometServerProcess server, string lines, params string[] options) =>
        (await CometProcess.RunWithInputAsync(Encoding.UTF8.GetBytes(lines), ["produce", "t", .. options, "--server", server.Address]))
            .Exits(0);

    // A dead letter is acked for its subscription when its topic has it.
    private static async Task WaitUntilAllIsAckedAsync(CometServerProcess server, string subscription = "s")
    {
        await using var client = await CometClient.ConnectAsync(server.Address);
        while ((await client.Subscriptions.DescribeAsync("t", subscription)).Sum(static s => s.Backlog) > 0)
            await client.PingAsync(TestContext.Current.CancellationToken);
    }
}
