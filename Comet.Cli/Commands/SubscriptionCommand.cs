using System.CommandLine;
using System.Globalization;
using Comet.Cli.Output;
using Comet.Client;

namespace Comet.Cli.Commands;

/// <summary>comet subscription create | list | describe | delete, and comet seek.</summary>
internal static class SubscriptionCommand
{
    private static readonly Argument<string> s_topic = new("topic") { Description = "The topic." };
    private static readonly Argument<string> s_name = new("subscription") { Description = "The subscription." };
    private static readonly Option<string> s_subscription = new("--subscription") { Description = "The subscription.", Required = true };
    private static readonly Option<string> s_type = SubscriptionTypes.CreateOption("How its consumers will share the messages.");
    private static readonly Option<StartPosition> s_from = ValueParsers.Position("--from", "Where it begins.", StartPosition.Latest);
    private static readonly Option<StartPosition> s_to = ValueParsers.Position("--to", "Where the subscription goes on.", null);
    private static readonly Option<bool> s_ifNotExists = new("--if-not-exists")
    {
        Description = "A subscription of that name and type is no error."
    };

    public static Command Create() => new("subscription", "Create, list, describe and delete durable subscriptions.")
    {
        Make("create", "Create a subscription that nobody consumes yet: from then on messages are kept for it.", CreateAsync,
            [s_topic, s_name], [s_type, s_from, s_ifNotExists]),
        Make("list", "List a topic's subscriptions.", ListAsync, [s_topic], []),
        Make("describe", "Show a subscription's place in each partition.", DescribeAsync, [s_topic, s_name], []),
        Make("delete", "Delete a subscription that has no consumers, with its place in the topic.", DeleteAsync, [s_topic, s_name], []),
    };

    public static Command CreateSeek() => Make(
        "seek", "Move a subscription to another place in all partitions. Its consumers go on from there by themselves.", SeekAsync,
        [s_topic], [s_subscription, s_to]);

    /// <summary>What is behind the name of a subscription, for people.</summary>
    public static string Describe(SubscriptionDescription s)
    {
        var text = $"partition {s.Partition}: {s.Type}, acked up to {s.AckedUpTo}, backlog {s.Backlog}, {s.Unacked} unacked, "
            + $"{s.Consumers} consumer(s), {s.Permits} permits";
        if (s.OldestUnackedTime is { } oldest)
        {
            text += string.Create(
                CultureInfo.InvariantCulture, $", oldest unacked {s.OldestUnackedOffset} of {oldest:yyyy-MM-dd'T'HH:mm:ss'Z'}");
        }
        if (s.Expired > 0)
            text += $", {s.Expired} expired";
        return s.Dropped > 0 ? $"{text}, {s.Dropped} dropped" : text;
    }

    private static Command Make(
        string name, string description, Func<CometClient, ParseResult, CancellationToken, Task> run, Argument[] arguments,
        Option[] options)
    {
        var command = new Command(name, description);
        foreach (var argument in arguments)
            command.Arguments.Add(argument);
        foreach (var option in options)
            command.Options.Add(option);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var client = await GlobalOptions.ConnectAsync(parsed, cancellationToken);
            await run(client, parsed, cancellationToken);
            return ExitCode.Done;
        });
        return command;
    }

    private static async Task CreateAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var (topic, name) = (arguments.GetRequiredValue(s_topic), arguments.GetRequiredValue(s_name));
        await client.Subscriptions.CreateAsync(
            topic, name, SubscriptionTypes.Read(arguments, s_type), arguments.GetValue(s_from),
            arguments.GetValue(s_ifNotExists), cancellationToken);
        Report(arguments, topic, name, "created");
    }

    private static async Task DeleteAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var (topic, name) = (arguments.GetRequiredValue(s_topic), arguments.GetRequiredValue(s_name));
        await client.Subscriptions.DeleteAsync(topic, name, cancellationToken);
        Report(arguments, topic, name, "deleted");
    }

    private static async Task SeekAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var (topic, name) = (arguments.GetRequiredValue(s_topic), arguments.GetRequiredValue(s_subscription));
        var to = arguments.GetValue(s_to);
        await client.Subscriptions.SeekAsync(topic, name, to, cancellationToken);
        Report(arguments, topic, name, $"moved to {to}");
    }

    private static async Task ListAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        foreach (var s in await client.Subscriptions.ListAsync(arguments.GetRequiredValue(s_topic), cancellationToken))
        {
            Console.WriteLine(arguments.GetValue(GlobalOptions.Json)
                ? CliJson.Line(s, CliJson.Default.SubscriptionSummary)
                : $"{s.Name}\t{s.Type}\tbacklog {s.Backlog}\t{s.Consumers} consumer(s)");
        }
    }

    private static async Task DescribeAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var (topic, name) = (arguments.GetRequiredValue(s_topic), arguments.GetRequiredValue(s_name));
        foreach (var s in await client.Subscriptions.DescribeAsync(topic, name, cancellationToken))
        {
            Console.WriteLine(arguments.GetValue(GlobalOptions.Json)
                ? CliJson.Line(s, CliJson.Default.SubscriptionDescription)
                : Describe(s));
        }
    }

    private static void Report(ParseResult arguments, string topic, string subscription, string change) =>
        Console.WriteLine(arguments.GetValue(GlobalOptions.Json)
            ? CliJson.Line(new SubscriptionChange(topic, subscription, change), CliJson.Default.SubscriptionChange)
            : $"subscription {subscription} of {topic} {change}");
}

/// <summary>What happened to a subscription.</summary>
internal sealed record SubscriptionChange(string Topic, string Subscription, string Change);
