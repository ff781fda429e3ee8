using System.Globalization;
using Comet.Server;
using Comet.Testing;

namespace Comet.Simulation.Tests.Simulation;

/// <summary>A producer of a plan.</summary>
internal sealed record ProducerPlan(
    string Name, string Client, string Topic, int Messages, TimeSpan Pause, int Keys, int PayloadBytes, CompressionType Compression,
    TimeSpan Linger, double DelayChance);

/// <summary>A topic of a plan.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Policy">Its policy.</param>
/// <param name="Later">What is changed of it during the storm; null: nothing.</param>
internal sealed record TopicPlan(string Name, TopicPolicy Policy, TopicUpdate? Later);

/// <summary>A subscription of a plan.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Topic">Its topic.</param>
/// <param name="Type">Its type.</param>
/// <param name="Lease">How long a delivery is its consumer's; null: as the type says.</param>
/// <param name="IsExtended">Whether leases are extended by themselves.</param>
/// <param name="Backoff">How long what was given back waits at first when nobody says how long.</param>
/// <param name="MaxDeliveries">After so many a message is a dead letter; 0: never.</param>
/// <param name="IsSought">Whether somebody moves it back to the beginning.</param>
internal sealed record SubscriptionPlan(
    string Name, string Topic, SubscriptionType Type, TimeSpan? Lease, bool IsExtended, TimeSpan Backoff, int MaxDeliveries,
    bool IsSought);

/// <summary>A consumer of a plan.</summary>
/// <param name="Name">Its name, which its successors keep.</param>
/// <param name="Client">Its client.</param>
/// <param name="Subscription">Its subscription.</param>
/// <param name="ConfirmAcks">Whether it waits for confirms.</param>
/// <param name="Work">How long a message takes at most.</param>
/// <param name="NackChance">How often it gives a message back.</param>
/// <param name="Stay">How long it stays before it goes and comes again; zero: for ever.</param>
/// <param name="LeavesForGood">Whether it does not come again.</param>
/// <param name="Window">How many messages it may have at hand.</param>
internal sealed record ConsumerPlan(
    string Name, string Client, SubscriptionPlan Subscription, bool ConfirmAcks, TimeSpan Work, double NackChance, TimeSpan Stay,
    bool LeavesForGood, int Window);

/// <summary>What a simulation does, drawn from its seed.</summary>
internal sealed record Plan
{
    public static readonly IReadOnlyList<SubscriptionType> Types = 
        [SubscriptionType.Exclusive, SubscriptionType.Failover, SubscriptionType.Shared, SubscriptionType.KeyShared];

    private static readonly FaultKind[] s_harmless =
        [FaultKind.Cut, FaultKind.Drop, FaultKind.Delay, FaultKind.Slow, FaultKind.Duplicate];

    public required int Seed { get; init; }

    public required CometServerOptions Server { get; init; }

    public required IReadOnlyList<TopicPlan> Topics { get; init; }

    public required IReadOnlyList<ProducerPlan> Producers { get; init; }

    public required IReadOnlyList<ConsumerPlan> Consumers { get; init; }

    /// <summary>What each byte takes on its way until the calm; without it nothing would ever be on its way when a fault comes.</summary>
    public required TimeSpan Latency { get; init; }

    /// <summary>How long there are faults.</summary>
    public required TimeSpan Storm { get; init; }

    public required int Faults { get; init; }

    public required FaultKind[] FaultKinds { get; init; }

    public IEnumerable<string> Clients => Producers.Select(static p => p.Client).Concat(Consumers.Select(static c => c.Client)).Distinct();

    public static Plan Draw(int seed)
    {
        var random = new Random(seed);
        var topics = Names("topic", random.Next(1, 3));
        var clients = Names("client", random.Next(2, 5));
        // A broker that stops takes all it has with it; too many of those would leave nothing to check.
        var brokerStops = random.Next(6) == 0;
        var storm = TimeSpan.FromSeconds(random.Next(3, 25));
        // So small that the log has to be trimmed; large enough that it can be. A new broker has no subscriptions before they come
        // back, and nothing that it must keep for them.
        var isNarrow = random.Next(3) == 0 && !brokerStops;
        return new Plan
        {
            Seed = seed,
            Server = DrawServer(random, isNarrow),
            Topics = [.. topics.Select(name => DrawTopic(random, name, isNarrow, brokerStops))],
            Producers = [.. Names("producer", random.Next(1, 4))
                .Select(name => DrawProducer(random, name, topics, clients, storm, isNarrow))],
            Consumers = [.. topics.SelectMany(topic => Names("sub", random.Next(1, 3))
                .SelectMany(name => DrawConsumers(random, DrawSubscription(random, topic, topic + "-" + name, isNarrow), clients)))],
            Latency = TimeSpan.FromMilliseconds(random.Next(1, 100)),
            Storm = storm,
            Faults = random.Next(2, 10),
            FaultKinds = brokerStops ? [.. s_harmless, FaultKind.StopBroker] : s_harmless,
        };
    }

    private static CometServerOptions DrawServer(Random random, bool isNarrow) => new()
    {
        DefaultPartitionCount = random.Next(1, 4),
        // Some dead lines last longer than three of these, some do not.
        HeartbeatInterval = TimeSpan.FromMilliseconds(random.Next(300, 3000)),
        MemoryLimit = isNarrow ? 192 * 1024 : 4 * 1024 * 1024,
        MaxOutstandingMessages = random.Next(4) == 0 ? random.Next(5, 50) : 200_000,
    };

    private static TopicPlan DrawTopic(Random random, string name, bool isNarrow, bool brokerStops) => new(
        name,
        new TopicPolicy
        {
            Retention = DrawRetention(random, isNarrow),
            MessageTtl = random.Next(6) == 0 ? TimeSpan.FromMilliseconds(random.Next(1000, 20_000)) : Timeout.InfiniteTimeSpan,
        },
        random.Next(4) == 0 && !brokerStops ? new TopicUpdate { Retention = DrawRetention(random, isNarrow) } : null);

    private static RetentionPolicy DrawRetention(Random random, bool isNarrow) => random.Next(isNarrow ? 2 : 4) switch
    {
        0 => RetentionPolicy.UntilRoomIsWanted,
        1 => RetentionPolicy.None,
        2 => new() { MaxMessages = random.Next(1, 50) },
        _ => new() { MaxAge = TimeSpan.FromMilliseconds(random.Next(1, 10_000)) },
    };

    private static ProducerPlan DrawProducer(Random random, string name, IReadOnlyList<string> topics, IReadOnlyList<string> clients,
        TimeSpan storm, bool isNarrow)
    {
        // About as long as the storm, so that its faults find something to break.
        var messages = random.Next(20, 80);
        var pause = storm * (0.5 + random.NextDouble()) / messages;
        return new(
            name, Pick(random, clients), Pick(random, topics), messages, pause, random.Next(3) == 0 ? 0 : random.Next(1, 12),
            isNarrow ? random.Next(2000, 4000) : random.Next(0, 100),
            isNarrow ? CompressionType.None : (CompressionType)random.Next(3),
            TimeSpan.FromMilliseconds(random.Next(4) == 0 ? random.Next(1, 100) : 0), random.Next(3) == 0 ? 0.3 : 0);
    }

    private static SubscriptionPlan DrawSubscription(Random random, string topic, string name, bool isNarrow) => new(
        name, topic, Pick(random, Types), random.Next(3) == 0 ? TimeSpan.FromMilliseconds(random.Next(200, 4000)) : null,
        random.Next(2) == 0, random.Next(2) == 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(random.Next(1, 1000)),
        // Dead letters are kept, so a narrow memory would never have room again.
        random.Next(3) == 0 && !isNarrow ? random.Next(2, 6) : 0, random.Next(5) == 0);

    private static ConsumerPlan[] DrawConsumers(Random random, SubscriptionPlan subscription, IReadOnlyList<string> clients)
    {
        var count = subscription.Type == SubscriptionType.Exclusive ? 1 : random.Next(1, 4);
        var nackChance = random.Next(2) == 0 ? 0.15 : 0;
        return [.. Enumerable.Range(0, count).Select(i => new ConsumerPlan(
            $"{subscription.Name}-{i}", Pick(random, clients), subscription, random.Next(4) != 0,
            TimeSpan.FromMilliseconds(random.Next(0, 500)), nackChance,
            random.Next(3) == 0 ? TimeSpan.FromSeconds(random.Next(1, 12)) : TimeSpan.Zero, i > 0 && random.Next(3) == 0,
            random.Next(2) == 0 ? random.Next(1, 20) : 1000))];
    }

    private static IReadOnlyList<string> Names(string prefix, int count) =>
        [.. Enumerable.Range(1, count).Select(i => prefix + i.ToString(CultureInfo.InvariantCulture))];

    private static T Pick<T>(Random random, IReadOnlyList<T> from) => from[random.Next(from.Count)];
}
