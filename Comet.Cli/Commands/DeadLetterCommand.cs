using System.CommandLine;
using System.Globalization;
using Comet.Cli.Output;
using Comet.Client;

namespace Comet.Cli.Commands;

/// <summary>comet dlq list | redrive.</summary>
internal static class DeadLetterCommand
{
    private static readonly Argument<string> s_topic = new("topic")
    {
        Description = "The topic of the subscription; without --subscription, the dead-letter topic itself.",
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

    /// <summary>The dead-letter topic that is meant. Where it does not exist, the subscription has to: a name that is misspelt is an error
    /// and not one without dead letters. Where it exists, the subscription may be gone.</summary>
    private static async Task<string> TopicOfAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var topic = arguments.GetRequiredValue(s_topic);
        if (arguments.GetValue(s_subscription) is not { } subscription)
            return topic;
        var letters = DeadLetterAdministration.DefaultTopic(topic, subscription);
        try
        {
            _ = await client.Topics.DescribeAsync(letters, cancellationToken);
        }
        catch (CometException e) when (e.Code == ErrorCode.TopicNotFound)
        {
            _ = await client.Subscriptions.DescribeAsync(topic, subscription, cancellationToken);
        }
        return letters;
    }

    private static async Task ListAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var left = arguments.GetValue(s_count) ?? long.MaxValue;
        var topic = await TopicOfAsync(client, arguments, cancellationToken);
        var others = 0L;
        await foreach (var letter in client.DeadLetters.ListAsync(topic, cancellationToken))
        {
            if (letter.Origin is null)
            {
                others++;
                continue;
            }
            var line = DeadLetterLine.From(letter);
            Console.WriteLine(arguments.GetValue(GlobalOptions.Json)
                ? CliJson.Line(line, CliJson.Default.DeadLetterLine)
                : string.Create(CultureInfo.InvariantCulture, $"{line.Id}\tfrom {line.Origin}\t{line.Reason}\t"
                    + $"{line.Deliveries} deliveries\t{line.Time:yyyy-MM-dd'T'HH:mm:ss'Z'}\t{line.Exception}"));
            if (--left == 0)
                break;
        }
        if (others > 0)
        {
            Note.Write($"{Progress.Count(others)} message(s) of '{topic}' are no dead letters and are left out"
                + (arguments.GetValue(s_subscription) is null ? "; --subscription lists those of a subscription of it" : ""),
                arguments.GetValue(GlobalOptions.Json));
        }
    }

    private static async Task RedriveAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var isJson = arguments.GetValue(GlobalOptions.Json);
        var topic = await TopicOfAsync(client, arguments, cancellationToken);
        var latest = new Latest();
        RedriveProgress done;
        await using (new Progress(latest.Describe, isJson))
        {
            var options = new RedriveOptions { MaxMessages = arguments.GetValue(s_count) ?? long.MaxValue };
            done = await client.DeadLetters.RedriveAsync(topic, options, latest, cancellationToken);
        }
        Console.WriteLine(isJson
            ? CliJson.Line(new RedriveReport(topic, done.Moved, done.Left), CliJson.Default.RedriveReport)
            : $"moved {Progress.Count(done.Moved)} message(s) back" + (done.Left == 0 ? "" :
                $", left {Progress.Count(done.Left)} that do not say where they come from"));
    }

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
