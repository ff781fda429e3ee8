using System.CommandLine;
using Comet.Cli.Output;
using Comet.Client;

namespace Comet.Cli.Commands;

/// <summary>The options for how a consumer shares its subscription, and what that does with messages that come back.</summary>
internal static class ConsumerFlags
{
    private static readonly Option<string> s_type = SubscriptionTypes.CreateOption("How its consumers share the messages.");
    private static readonly Option<StartPosition> s_from = ValueParsers.Position(
        "--from", "Where a new subscription begins.", StartPosition.Latest);
    private static readonly Option<string?> s_consumer = new("--consumer")
    {
        Description = "The consumer's name; another one of that name takes its place. Default: a random one.",
        HelpName = "name",
    };
    private static readonly Option<int> s_priority = new("--priority")
    {
        Description = "With shared, lower numbers get messages first; with failover, the lowest is the active one. Default: 0.",
        HelpName = "level",
    };
    private static readonly Option<int> s_maxDeliveries = new Option<int>("--max-deliveries")
    {
        Description = "A message that was delivered so often and comes back goes to the dead-letter topic. Default: never.",
        HelpName = "count",
    }.Sets(nameof(ConsumerOptions<>.MaxDeliveries));
    private static readonly Option<string?> s_deadLetterTopic = new("--dead-letter-topic")
    {
        Description = "The topic of dead letters. Default: topic/subscription/dead-letters.",
        HelpName = "topic",
    };
    private static readonly Option<TimeSpan?> s_lease = ValueParsers.Duration("--lease",
        "A message that is not settled within this time is delivered again. Default: 30s with key-shared, otherwise no limit.")
        .Sets(nameof(ConsumerOptions<>.LeaseDuration));

    public static Option[] All { get; } =
        [s_type, s_from, s_consumer, s_priority, s_maxDeliveries, s_deadLetterTopic, s_lease];

    /// <summary>Says where the subscription begins when that may not be where one thinks: --from means nothing where it exists, and a new
    /// one does not begin with what is there already.</summary>
    public static async Task TellBeginningAsync(
        CometClient client, ParseResult arguments, string topic, string subscription, CancellationToken cancellationToken)
    {
        var (isGiven, isJson) = (arguments.GetResult(s_from) is { Implicit: false }, arguments.GetValue(GlobalOptions.Json));
        try
        {
            var described = await client.Topics.DescribeAsync(topic, cancellationToken);
            var exists = described.Subscriptions.Any(s => string.Equals(s.Name, subscription, StringComparison.Ordinal));
            if (exists && isGiven)
            {
                Note.Write($"the subscription '{subscription}' exists, so --from is ignored: it goes on where it stands. 'comet seek "
                    + $"{topic} --subscription {subscription} --to …' moves it", isJson);
            }
            if (!exists && !isGiven && described.Partitions.Sum(static p => p.EndOffset - p.StartOffset) is > 0 and var there)
            {
                Note.Write($"the subscription '{subscription}' is new and begins behind the {Progress.Count(there)} message(s) that are "
                    + $"there; 'comet seek {topic} --subscription {subscription} --to earliest' goes back to them", isJson);
            }
        }
        catch (CometException)
        {
            // Both are made now; or something is wrong, which subscribing tells when it is in the way.
        }
    }

    /// <summary>What the arguments say. With a count, the window asks for no more than that: what is beyond stays for the next run,
    /// undisturbed.</summary>
    public static ConsumerOptions<ReadOnlyMemory<byte>> Read(ParseResult arguments, long? count)
    {
        var options = new ConsumerOptions<ReadOnlyMemory<byte>>
        {
            Type = SubscriptionTypes.Read(arguments, s_type),
            StartPosition = arguments.GetValue(s_from),
            ConsumerName = arguments.GetValue(s_consumer),
            PriorityLevel = arguments.GetValue(s_priority),
            MaxDeliveries = arguments.GetValue(s_maxDeliveries),
            DeadLetterTopic = arguments.GetValue(s_deadLetterTopic),
            LeaseDuration = arguments.GetValue(s_lease),
        };
        var window = options.Type is SubscriptionType.Shared or SubscriptionType.KeyShared
            ? ConsumerOptions<ReadOnlyMemory<byte>>.DefaultSharedReceiveWindowMessages
            : ConsumerOptions<ReadOnlyMemory<byte>>.DefaultReceiveWindowMessages;
        return options with { ReceiveWindowMessages = (int)Math.Clamp(count ?? window, 1, window) };
    }
}
