using System.CommandLine;
using Comet.Cli.Output;

namespace Comet.Cli.Commands;

/// <summary>comet explain: why a subscription gets nothing, and what to do about it.</summary>
internal static class ExplainCommand
{
    private static readonly Argument<string> s_topic = new("topic") { Description = "The topic's name." };
    private static readonly Argument<string> s_subscription = new("subscription") { Description = "The subscription's name." };

    public static Command Create()
    {
        var command = new Command("explain", "Tell why a subscription gets nothing, and what to do about it.") { s_topic, s_subscription };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        await using var client = await GlobalOptions.ConnectAsync(arguments, cancellationToken);
        var explanation = await client.Subscriptions.ExplainAsync(
            arguments.GetRequiredValue(s_topic), arguments.GetRequiredValue(s_subscription), cancellationToken);
        if (arguments.GetValue(GlobalOptions.Json))
        {
            Console.WriteLine(CliJson.Line(explanation, CliJson.Default.SubscriptionExplanation));
            return ExitCode.Done;
        }
        Console.WriteLine($"subscription {explanation.Subscription} of {explanation.Topic} ({explanation.Type}): "
            + $"{Messages(explanation.Backlog)} not acked");
        foreach (var partition in explanation.Partitions)
            Write(partition);
        return ExitCode.Done;
    }

    private static void Write(PartitionExplanation partition)
    {
        var age = partition.OldestUnackedAge is { } oldest
            ? $", the oldest is {partition.OldestUnackedOffset} and was stored {Duration(oldest)} ago"
            : "";
        Console.WriteLine($"  partition {partition.Partition}: {Messages(partition.Backlog)} not acked{age}");
        Console.WriteLine($"    {partition.Sentence}");
        if (partition.Advice is { } advice)
            Console.WriteLine($"    -> {advice}");
        foreach (var consumer in partition.Consumers)
            Console.WriteLine($"    consumer {Describe(consumer)}");
    }

    private static string Describe(ConsumerExplanation consumer)
    {
        var last = consumer.LastDispatchedOffset is { } offset ? $"was sent {offset} last" : "was sent nothing yet";
        return $"{consumer.Name}: {last}, holds {Progress.Count(consumer.Unacked)} unacked, asks for {Messages(consumer.Permits)} more"
            + (consumer.PermitBytes <= 0 ? " but for no more bytes" : "")
            + (consumer.IsReading ? "" : ", its connection takes nothing at the moment")
            + (consumer.IsActive ? "" : "; it stands by");
    }

    private static string Messages(long count) => count == 1 ? "1 message" : $"{Progress.Count(count)} messages";

    private static string Duration(TimeSpan time) => time switch
    {
        { TotalDays: >= 2 } => $"{time.Days} d {time.Hours} h",
        { TotalHours: >= 1 } => $"{(int)time.TotalHours} h {time.Minutes} min",
        { TotalMinutes: >= 1 } => $"{time.Minutes} min {time.Seconds} s",
        _ => $"{time.TotalSeconds:0.0} s",
    };
}
