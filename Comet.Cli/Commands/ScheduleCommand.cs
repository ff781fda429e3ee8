using System.CommandLine;
using System.Globalization;
using Comet.Cli.Output;
using Comet.Client;

namespace Comet.Cli.Commands;

/// <summary>comet schedule list | count | cancel | reschedule.</summary>
internal static class ScheduleCommand
{
    private static readonly Argument<string> s_topic = new("topic") { Description = "The topic." };
    private static readonly Option<string?> s_key = new("--key", "-k") { Description = "Only messages with this key." };
    private static readonly Option<string?> s_id = new("--id")
    {
        Description = "One message, for example orders-0@184.",
        HelpName = "id"
    };
    private static readonly Option<DateTimeOffset?> s_from = ValueParsers.Time("--from", "Only messages that are due then or later.");
    private static readonly Option<DateTimeOffset?> s_to = ValueParsers.Time("--to", "Only messages that are due then or earlier.");
    private static readonly Option<long?> s_count = new("--count", "-n") { Description = "At most so many. Default: all." };
    private static readonly Option<TimeSpan?> s_delay = ValueParsers.Delay("--delay", "Deliver it so long from now.");
    private static readonly Option<DateTimeOffset?> s_deliverAt = ValueParsers.Time("--deliver-at", "Deliver it at this time.");

    public static Command Create() => new("schedule", "List, count, cancel and move messages that wait for their time.")
    {
        Make("list", "List messages in the order in which they are due.", ListAsync, s_key, s_from, s_to, s_count),
        Make("count", "Count messages.", CountAsync, s_key, s_from, s_to),
        Make("cancel", "Cancel one message (--id) or all of a key (--key). Exits 1 when the one could not be cancelled.", CancelAsync,
            s_key, s_id),
        Make("reschedule", "Move one message to another time. Exits 1 when it could not be moved.", RescheduleAsync, s_id, s_delay,
            s_deliverAt),
    };

    /// <summary>The one time of two options.</summary>
    public static DateTimeOffset? DeliveryTime(TimeSpan? delay, DateTimeOffset? deliverAt)
    {
        if (delay is not null && deliverAt is not null)
            throw new UsageException("--delay and --deliver-at both say when: give one of the two.");
        return delay is { } wait ? TimeProvider.System.GetUtcNow() + wait : deliverAt;
    }

    private static Command Make(
        string name, string description, Func<CometClient, ParseResult, CancellationToken, Task<int>> run, params Option[] options)
    {
        var command = new Command(name, description) { s_topic };
        foreach (var option in options)
            command.Options.Add(option);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var client = await GlobalOptions.ConnectAsync(arguments, cancellationToken);
            return await run(client, arguments, cancellationToken);
        });
        return command;
    }

    private static async Task<int> ListAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var left = arguments.GetValue(s_count) ?? long.MaxValue;
        await foreach (var message in client.Schedules.ListAsync(arguments.GetRequiredValue(s_topic), arguments.GetValue(s_key),
            arguments.GetValue(s_from), arguments.GetValue(s_to), cancellationToken))
        {
            if (--left < 0)
                break;
            var line = new ScheduledLine(message.Id.ToString(), message.DeliverAt.UtcDateTime, message.Key, message.PayloadLength);
            Console.WriteLine(arguments.GetValue(GlobalOptions.Json)
                ? CliJson.Line(line, CliJson.Default.ScheduledLine)
                : string.Create(CultureInfo.InvariantCulture, $"{line.Id}\t{line.DeliverAt:O}\t{line.Key}\t{line.PayloadLength} bytes"));
        }
        return ExitCode.Done;
    }

    private static async Task<int> CountAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var topic = arguments.GetRequiredValue(s_topic);
        var count = await client.Schedules.CountAsync(
            topic, arguments.GetValue(s_key), arguments.GetValue(s_from), arguments.GetValue(s_to), cancellationToken);
        Report(arguments, new ScheduleReport(topic, "Counted", count), $"{count} scheduled message(s)");
        return ExitCode.Done;
    }

    private static async Task<int> CancelAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var topic = arguments.GetRequiredValue(s_topic);
        if (arguments.GetValue(s_key) is { } key)
        {
            if (arguments.GetValue(s_id) is not null)
                throw new UsageException("--id cancels one message and --key all of a key: give one of the two.");
            var cancelled = await client.Schedules.CancelByKeyAsync(topic, key, cancellationToken);
            Report(arguments, new ScheduleReport(topic, nameof(CancelResult.Cancelled), cancelled), $"cancelled {cancelled} message(s)");
            return ExitCode.Done;
        }
        var id = RequireId(arguments, topic);
        var result = await client.Schedules.CancelAsync(id, cancellationToken);
        var isDone = result == CancelResult.Cancelled;
        Report(arguments, new ScheduleReport(topic, result.ToString(), isDone ? 1 : 0), $"{id}: {result}");
        return isDone ? ExitCode.Done : ExitCode.Failed;
    }

    private static async Task<int> RescheduleAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var topic = arguments.GetRequiredValue(s_topic);
        var id = RequireId(arguments, topic);
        var deliverAt = DeliveryTime(arguments.GetValue(s_delay), arguments.GetValue(s_deliverAt))
            ?? throw new UsageException("Say when: --delay 10m, or --deliver-at 2030-01-01T08:00:00Z.");
        var result = await client.Schedules.RescheduleAsync(id, deliverAt, cancellationToken);
        var isDone = result == RescheduleResult.Rescheduled;
        Report(arguments, new ScheduleReport(topic, result.ToString(), isDone ? 1 : 0), $"{id}: {result}");
        return isDone ? ExitCode.Done : ExitCode.Failed;
    }

    private static MessageId RequireId(ParseResult arguments, string topic)
    {
        if (arguments.GetValue(s_id) is not { } text)
            throw new UsageException("Say which message: --id, as comet schedule list shows it.");
        if (!MessageId.TryParse(text, null, out var id) || !string.Equals(id.Topic, topic, StringComparison.Ordinal))
            throw new UsageException($"'{text}' is not the id of a message of '{topic}': write for example {topic}-0@184.");
        return id;
    }

    private static void Report(ParseResult arguments, ScheduleReport report, string text) =>
        Console.WriteLine(arguments.GetValue(GlobalOptions.Json) ? CliJson.Line(report, CliJson.Default.ScheduleReport) : text);
}

/// <summary>A message that waits for its time.</summary>
internal sealed record ScheduledLine(string Id, DateTime DeliverAt, string? Key, int PayloadLength);

/// <summary>What became of a request about scheduled messages, and of how many.</summary>
internal sealed record ScheduleReport(string Topic, string Result, long Count);
