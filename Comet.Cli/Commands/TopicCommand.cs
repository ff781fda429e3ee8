using System.CommandLine;
using Comet.Cli.Output;
using Comet.Client;

namespace Comet.Cli.Commands;

/// <summary>comet topic create | update | list | describe | delete.</summary>
internal static class TopicCommand
{
    // More partitions are not opened only to tell their sizes.
    private const int MaxAsked = 1_000;

    private static readonly Argument<string> s_name = new("topic") { Description = "The topic's name." };
    private static readonly Argument<string?> s_prefix = new("prefix")
    {
        Description = "Only topics whose names begin so. Default: all.",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private static readonly Option<int> s_partitions = new("--partitions", "-p")
    {
        Description = "How many partitions; 0: the broker's default."
    };
    private static readonly Option<int?> s_newPartitions = new("--partitions", "-p")
    {
        Description = "How many partitions the topic shall have: at least as many as it has."
    };
    private static readonly Option<bool> s_ifNotExists = new("--if-not-exists") { Description = "A topic that exists is no error." };

    public static Command Create() => new("topic", "Create, change, list, describe and delete topics.")
    {
        Make("create", "Create a topic.", CreateTopic, s_name,
            [s_partitions, s_ifNotExists, .. PolicyOptions.All]),
        Make("update", "Change a topic while it is in use; what is not given stays as it is.", Update, s_name,
            [s_newPartitions, .. PolicyOptions.All]),
        Make("list", "List topics and how much they keep; '?' where that is not known before they are used again, and they are many.",
            static _ => ListAsync, s_prefix),
        Make("describe", "Show a topic's partitions and subscriptions.", static _ => DescribeAsync, s_name),
        Make("delete", "Delete a topic with all its messages.", static _ => DeleteAsync, s_name),
    };

    /// <summary>A command that checks its arguments first, by <paramref name="prepare"/>, and connects then.</summary>
    private static Command Make(
        string name, string description, Func<ParseResult, Func<CometClient, ParseResult, CancellationToken, Task>> prepare,
        Argument argument, params Option[] options)
    {
        var command = new Command(name, description) { argument };
        foreach (var option in options)
            command.Options.Add(option);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var run = prepare(arguments);
            await using var client = await GlobalOptions.ConnectAsync(arguments, cancellationToken);
            await run(client, arguments, cancellationToken);
            return ExitCode.Done;
        });
        return command;
    }

    private static Func<CometClient, ParseResult, CancellationToken, Task> CreateTopic(ParseResult arguments)
    {
        if (arguments.GetValue(s_partitions) < 0)
            throw new UsageException("--partitions must not be negative; 0 is the broker's default.");
        var policy = PolicyOptions.Read(arguments);
        return (client, _, cancellationToken) => CreateTopicAsync(client, arguments, policy, cancellationToken);
    }

    private static async Task CreateTopicAsync(
        CometClient client, ParseResult arguments, TopicUpdate policy, CancellationToken cancellationToken)
    {
        var (name, partitions) = (arguments.GetRequiredValue(s_name), arguments.GetValue(s_partitions));
        var existing = arguments.GetValue(s_ifNotExists) ? await FindAsync(client, name, cancellationToken) : null;
        if (existing is null)
        {
            await client.Topics.CreateAsync(
                name, partitions, arguments.GetValue(s_ifNotExists), policy.ApplyTo(TopicPolicy.Default), cancellationToken);
            Report(arguments, new TopicChange(name, "created"));
            return;
        }
        Report(arguments, new TopicChange(name, "exists already"));
        if ((partitions != 0 && partitions != existing.Partitions.Count) || policy.ApplyTo(existing.Policy) != existing.Policy)
        {
            Note.Write($"it has other settings than these, which are not applied. To change it: comet topic update {name}",
                arguments.GetValue(GlobalOptions.Json));
        }
    }

    private static async Task<TopicDescription?> FindAsync(CometClient client, string name, CancellationToken cancellationToken)
    {
        try
        {
            return await client.Topics.DescribeAsync(name, cancellationToken);
        }
        catch (CometException e) when (e.Code == ErrorCode.TopicNotFound)
        {
            return null;
        }
    }

    private static Func<CometClient, ParseResult, CancellationToken, Task> Update(ParseResult arguments)
    {
        if (arguments.GetValue(s_newPartitions) < 1)
            throw new UsageException("--partitions must be at least 1; the number of a topic's partitions only grows.");
        var update = PolicyOptions.Read(arguments) with { Partitions = arguments.GetValue(s_newPartitions) };
        if (update == new TopicUpdate())
            throw new UsageException("Say what to change: --partitions, --retention…, --ttl, --quota, --durability or "
                + "--storage-compression.");
        return async (client, _, cancellationToken) =>
        {
            var name = arguments.GetRequiredValue(s_name);
            await client.Topics.UpdateAsync(name, update, cancellationToken);
            Report(arguments, new TopicChange(name, "updated"));
        };
    }

    private static async Task DeleteAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var name = arguments.GetRequiredValue(s_name);
        await client.Topics.DeleteAsync(name, cancellationToken);
        Report(arguments, new TopicChange(name, "deleted"));
    }

    private static void Report(ParseResult arguments, TopicChange change) => Console.WriteLine(arguments.GetValue(GlobalOptions.Json)
        ? CliJson.Line(change, CliJson.Default.TopicChange)
        : $"topic {change.Topic} {change.Change}");

    private static async Task ListAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var topics = await client.Topics.ListAsync(arguments.GetValue(s_prefix), cancellationToken);
        var asks = topics.Where(static topic => topic.Messages is null).Sum(static topic => topic.PartitionCount) <= MaxAsked;
        foreach (var listed in topics)
        {
            var topic = asks && listed.Messages is null ? await AskAsync(client, listed, cancellationToken) : listed;
            Console.WriteLine(arguments.GetValue(GlobalOptions.Json)
                ? CliJson.Line(topic, CliJson.Default.TopicSummary)
                : $"{topic.Name}\t{topic.PartitionCount} partition(s)\t{Number(topic.Messages)} message(s)\t{Number(topic.Bytes)} bytes");
        }
    }

    /// <summary>Asks for what the listing does not say: the broker opens the topic's files for it.</summary>
    private static async Task<TopicSummary> AskAsync(CometClient client, TopicSummary topic, CancellationToken cancellationToken)
    {
        try
        {
            var partitions = (await client.Topics.DescribeAsync(topic.Name, cancellationToken)).Partitions;
            return topic with
            {
                Messages = partitions.Sum(static p => p.EndOffset - p.StartOffset), Bytes = partitions.Sum(static p => p.Bytes),
            };
        }
        catch (CometException)
        {
            // Deleted meanwhile, or offline, which 'comet doctor' tells: a listing goes on.
            return topic;
        }
    }

    private static string Number(long? value) => value is { } number ? Progress.Count(number) : "?";

    private static async Task DescribeAsync(CometClient client, ParseResult arguments, CancellationToken cancellationToken)
    {
        var topic = await client.Topics.DescribeAsync(arguments.GetRequiredValue(s_name), cancellationToken);
        if (arguments.GetValue(GlobalOptions.Json))
        {
            Console.WriteLine(CliJson.Line(topic, CliJson.Default.TopicDescription));
            return;
        }
        Console.WriteLine($"topic {topic.Name}");
        if (PolicyOptions.Describe(topic.Policy) is { Length: > 0 } policy)
            Console.WriteLine($"  policy: {policy}");
        foreach (var p in topic.Partitions)
        {
            Console.WriteLine($"  partition {p.Partition}: {Messages(p.StartOffset, p.EndOffset)}, {Progress.Count(p.Bytes)} bytes, "
                + $"{p.Producers} producer(s)");
        }
        foreach (var subscription in topic.Subscriptions)
            Console.WriteLine($"  subscription {subscription.Name}, {SubscriptionCommand.Describe(subscription)}");
    }

    private static string Messages(long start, long end) => (end - start) switch
    {
        0 => $"0 messages, the next is offset {end}",
        1 => $"1 message, offset {start}",
        var count => $"{Progress.Count(count)} messages, offsets {start} to {end - 1}",
    };
}

/// <summary>What happened to a topic.</summary>
internal sealed record TopicChange(string Topic, string Change);
