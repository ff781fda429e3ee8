using System.CommandLine;
using System.Globalization;
using Comet.Cli.Output;
using Comet.Client;

namespace Comet.Cli.Commands;

/// <summary>comet dlq list | redrive.</summary>
internal static class DeadLetterCommand
{
    // The subscription that a dead-letter topic has, by which it is known (docs/dead-letters.md).
    private const string Redrive = "redrive";

    // What the topics of dead letters end with that have their names from their subscriptions.
    private static readonly string s_ending = DeadLetterAdministration.DefaultTopic("", "")[1..];

    private static readonly Argument<string> s_topic = new("topic")
    {
        Description = "The topic of the subscription; without --subscription, a dead-letter topic itself, or a topic whose subscriptions "
            + "are all meant.",
    };
    private static readonly Option<string?> s_subscription = new("--subscription")
    {
        Description = "The subscription whose consumers name no dead-letter topic of their own.",
        HelpName = "subscription",
    };
    private static readonly Option<long?> s_count = new("--count", "-n") { Description = "At most so many. Default: all." };

    public static Command Create() => new("dlq", "List dead letters, and move them back to where they came from.")
    {
        Make("list", "List the messages that a subscription has given up and that were not moved back, oldest first.", ListAsync),
        Make("redrive", "Move dead letters back to their topics, where every subscription gets them anew.", RedriveAsync),
    };

    private static Command Make(string name, string description, Func<CometClient, ParseResult, CancellationToken, Task> run)
    {
        var command = new Command(name, description) { s_topic, s_subscription, s_count };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            if (arguments.GetValue(s_count) < 1)
                throw new UsageException("--count must be at least 1.");
            await using var client = await GlobalOptions.ConnectAsync(arguments, cancellationToken);
            await run(client, arguments, cancellationToken);
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>The dead-letter topics that are meant. Where they do not exist, what they are of has to: a name that is misspelt is an
    /// error and not one without dead letters.</summary>
    private static async Task<List<string>> TopicsOfAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var topic = arguments.GetRequiredValue(s_topic);
        if (arguments.GetValue(s_subscription) is { } subscription)
        {
            var letters = DeadLetterAdministration.DefaultTopic(topic, subscription);
            // Where the letters are, the subscription may be gone.
            if (await FindAsync(client, letters, cancellationToken) is not null)
                return [letters];
            _ = await client.Subscriptions.DescribeAsync(topic, subscription, cancellationToken);
            return [];
        }
        var found = topic.EndsWith(s_ending, StringComparison.Ordinal)
            ? await FindAsync(client, topic, cancellationToken)
            : await client.Topics.DescribeAsync(topic, cancellationToken);
        if (found is null)
            return [];
        return found.Subscriptions.Any(static s => s.Name == Redrive)
            ? [topic]
            : await OfAllSubscriptionsAsync(client, arguments, found, cancellationToken);
    }

    /// <summary>The dead-letter topics of an ordinary topic's subscriptions.</summary>
    private static async Task<List<string>> OfAllSubscriptionsAsync(
        CometClient client, ParseResult arguments, TopicDescription topic, CancellationToken cancellationToken)
    {
        var below = await client.Topics.ListAsync($"{topic.Name}/", cancellationToken);
        var letters = below.Select(static t => t.Name).Where(name => IsOf(topic, name)).ToList();
        if (letters.Count == 0)
        {
            Note.Write($"'{topic.Name}' is no dead-letter topic, and its subscriptions have no dead letters; where their consumers name a "
                + "dead-letter topic of their own, ask for that", arguments.GetValue(GlobalOptions.Json));
        }
        return letters;
    }

    /// <summary>Whether a topic below this one has the dead letters of one of its subscriptions. With further segments it may be of a topic
    /// below this one, so the subscription has to exist then; otherwise it may be gone.</summary>
    private static bool IsOf(TopicDescription topic, string name)
    {
        if (!name.EndsWith(s_ending, StringComparison.Ordinal) || name.Length <= topic.Name.Length + s_ending.Length)
            return false;
        var subscription = name[(topic.Name.Length + 1)..^s_ending.Length];
        return !subscription.Contains('/', StringComparison.Ordinal) || topic.Subscriptions.Any(s => s.Name == subscription);
    }

    private static async Task<TopicDescription?> FindAsync(CometClient client, string topic, CancellationToken cancellationToken)
    {
        try
        {
            return await client.Topics.DescribeAsync(topic, cancellationToken);
        }
        catch (CometException e) when (e.Code == ErrorCode.TopicNotFound)
        {
            return null;
        }
    }

    private static async Task ListAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var left = arguments.GetValue(s_count) ?? long.MaxValue;
        foreach (var topic in await TopicsOfAsync(client, arguments, cancellationToken))
            left -= await ListAsync(client, arguments, topic, left, cancellationToken);
    }

    /// <summary>Lists those of one topic and says how many it were.</summary>
    private static async Task<long> ListAsync(
        CometClient client, ParseResult arguments, string topic, long most, CancellationToken cancellationToken)
    {
        var (listed, others) = (0L, 0L);
        var letters = client.DeadLetters.ListAsync(topic, cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using var end = letters;
        while (listed < most && await letters.MoveNextAsync())
        {
            if (letters.Current.Origin is null)
            {
                others++;
                continue;
            }
            listed++;
            var line = DeadLetterLine.From(letters.Current);
            Console.WriteLine(arguments.GetValue(GlobalOptions.Json)
                ? CliJson.Line(line, CliJson.Default.DeadLetterLine)
                : string.Create(CultureInfo.InvariantCulture, $"{line.Id}\tfrom {line.Origin}\t{line.Reason}\t"
                    + $"{line.Deliveries} deliveries\t{line.Time:yyyy-MM-dd'T'HH:mm:ss'Z'}\t{line.Exception}"));
        }
        if (others > 0)
        {
            Note.Write($"{Progress.Count(others)} message(s) of '{topic}' are no dead letters and are left out",
                arguments.GetValue(GlobalOptions.Json));
        }
        return listed;
    }

    private static async Task RedriveAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var isJson = arguments.GetValue(GlobalOptions.Json);
        var most = arguments.GetValue(s_count) ?? long.MaxValue;
        var topics = await TopicsOfAsync(client, arguments, cancellationToken);
        foreach (var topic in topics)
        {
            if (most < 1)
                break;
            var done = await RedriveAsync(client, topic, most, isJson, cancellationToken);
            most -= done.Moved;
            Report(topic, done, isJson, topics.Count > 1 ? $" from {topic}" : "");
        }
        if (topics.Count == 0)
            Report(arguments.GetRequiredValue(s_topic), new(0, 0, 0), isJson, "");
    }

    private static async Task<RedriveProgress> RedriveAsync(
        CometClient client, string topic, long most, bool isJson, CancellationToken cancellationToken)
    {
        var latest = new Latest();
        await using var progress = new Progress(latest.Describe, isJson);
        return await client.DeadLetters.RedriveAsync(topic, new RedriveOptions { MaxMessages = most }, latest, cancellationToken);
    }

    private static void Report(string topic, RedriveProgress done, bool isJson, string from) => Console.WriteLine(isJson
        ? CliJson.Line(new RedriveReport(topic, done.Moved, done.Left), CliJson.Default.RedriveReport)
        : $"moved {Progress.Count(done.Moved)} message(s) back{from}" + (done.Left == 0 ? "" :
            $", left {Progress.Count(done.Left)} that do not say where they come from"));

    /// <summary>How far it is now.</summary>
    private sealed class Latest : IProgress<RedriveProgress>
    {
        private volatile RedriveProgress? _value;

        public void Report(RedriveProgress value) => _value = value;

        public string Describe() => _value is { } value
            ? $"{Progress.Count(value.Moved)} of {Progress.Count(value.Total)} moved back"
            : "looking for dead letters";
    }
}

/// <summary>A dead letter as JSON. A payload that is no UTF-8 stands in payloadBase64.</summary>
internal sealed record DeadLetterLine(
    string Id, string? Origin, string? Subscription, string? Reason, string? Exception, int Deliveries, DateTime Time, string? Key,
    string? Payload, string? PayloadBase64)
{
    public static DeadLetterLine From(DeadLetter letter)
    {
        var text = PayloadText.TryDecode(letter.Payload.Span);
        return new(letter.Id.ToString(), letter.Origin?.ToString(), letter.Subscription, letter.Reason, letter.Exception,
            letter.Deliveries, letter.Time.UtcDateTime, letter.Key, text,
            text is null ? Convert.ToBase64String(letter.Payload.Span) : null);
    }
}

/// <summary>What was moved back.</summary>
internal sealed record RedriveReport(string DeadLetterTopic, long Moved, long Left);
