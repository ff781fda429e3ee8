using System.Globalization;
using Comet.Client;
using Comet.Simulation.Tests.Checkers;
using Comet.Testing;

namespace Comet.Simulation.Tests.Simulation;

/// <summary>How a run ended.</summary>
internal enum Verdict
{
    /// <summary>Enough happened, and no promise was broken.</summary>
    Valid,
    /// <summary>A promise was broken.</summary>
    Invalid,
    /// <summary>Too little happened to say anything.</summary>
    Unknown,
}

/// <summary>What a run was.</summary>
internal sealed record Outcome(Plan Plan, History History, IReadOnlyList<Breach> Breaches, Counters Counters, long Hash)
{
    // Less than this proves nothing.
    private const int LeastConfirmed = 10;

    public Verdict Verdict => Breaches.Count > 0 ? Verdict.Invalid
        : History.CountOf(OpKind.SendConfirmed) < LeastConfirmed || Counters[Sometimes.FaultWhileBusy] == 0 ? Verdict.Unknown
        : Verdict.Valid;

    /// <summary>What went wrong, and how to see it again.</summary>
    public string Explain() => string.Create(CultureInfo.InvariantCulture, $"""
        Seed {Plan.Seed} is {Verdict}; again: {ReplayTests.CommandFor(Plan.Seed)}
        {string.Join('\n', Breaches.Select(static b => $"{b.Checker}: {b.Sentence}"))}
        """);
}

/// <summary>One broker, its clients and a storm of faults, from a seed, in virtual time; then calm, until all is delivered.</summary>
internal sealed class SimulationRun
{
    // Liveness: when all is healed, this is enough for heartbeats to notice, back-offs to end and the backlog to go. Virtual.
    private static readonly TimeSpan s_drainLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_limit = TimeSpan.FromHours(2);

    private readonly Plan _plan;
    private readonly CometTestHost _host;
    private readonly Dictionary<string, CometClient> _clients = [];
    private readonly long _start;

    private SimulationRun(Plan plan, CometTestHost host)
    {
        (_plan, _host, _start) = (plan, host, host.Time.GetTimestamp());
        History.Subscriptions.AddRange(
            Subscriptions.Select(s => new SubscriptionFacts(
                s.Topic, s.Name, s.Type, s.MaxDeliveries, TtlOf(plan.Topics.First(t => t.Name == s.Topic).Policy))));
    }

    public History History { get; } = new();

    public Counters Counters { get; } = new();

    public CometTestHost Host => _host;

    private IEnumerable<SubscriptionPlan> Subscriptions => _plan.Consumers.Select(static c => c.Subscription).Distinct();

    /// <summary>Whether there are faults, and consumers do as they like.</summary>
    public bool IsStorm { get; private set; } = true;

    /// <summary>Whether all is over.</summary>
    public bool IsOver { get; private set; }

    public long Now => (long)_host.Time.GetElapsedTime(_start).TotalMicroseconds;

    /// <summary>Runs a seed.</summary>
    /// <param name="seed">What the plan, the order of work and the faults are drawn from.</param>
    /// <param name="bug">A fault of the product, to see that it is found.</param>
    /// <param name="shape">Changes the plan.</param>
    public static async Task<Outcome> RunAsync(int seed, PlantedBug bug = PlantedBug.None, Func<Plan, Plan>? shape = null)
    {
        var plan = Plan.Draw(seed);
        plan = shape is null ? plan : shape(plan);
        await using var host = CometTestHost.Start(new() { Seed = seed, ShuffleWork = true, Server = plan.Server, PlantedBug = bug });
        var run = new SimulationRun(plan, host);
        await host.RunAsync(run.RunAsync, s_limit);
        Assert.True(host.StrayContinuations == 0, $"Seed {seed}: {host.StrayContinuations} continuation(s) came from other threads.");
        var hash = host.HistoryHash ^ run.History.Hash();
        return new Outcome(plan, run.History, AllCheckers.Check(run.History), run.Counters, hash);
    }

    public CometClient Client(string name) => _clients[name];

    public Random NewRandom(string actor)
    {
        var seed = _plan.Seed;
        foreach (var character in actor)
            seed = unchecked((seed * 31) + character);
        return new Random(seed);
    }

    private async Task RunAsync()
    {
        foreach (var name in _plan.Clients)
            _clients[name] = await _host.ConnectAsync(new() { ClientName = name });
        foreach (var topic in _plan.Topics)
            await _clients[_plan.Clients.First()].Topics.CreateAsync(topic.Name, policy: topic.Policy);
        var consumers = _plan.Consumers.Select(c => new SimulatedConsumer(this, c)).ToArray();
        foreach (var consumer in consumers)
            await consumer.StartAsync();
        var producers = _plan.Producers.Select(p => new SimulatedProducer(this, p)).ToArray();
        var producing = producers.Select(static p => p.RunAsync()).ToArray();
        await _host.Faults.ApplyAsync(Fault.Delay(_plan.Latency));
        foreach (var (after, fault) in _host.Faults.ScheduleRandom(_plan.Storm, _plan.Faults, _plan.FaultKinds))
            _ = NoteAsync(after, fault, producers, consumers);
        foreach (var topic in _plan.Topics.Where(static t => t.Later is not null))
            _ = UpdateAsync(topic);
        foreach (var subscription in Subscriptions.Where(static s => s.IsSought))
            _ = SeekAsync(subscription);
        await Task.Delay(_plan.Storm, _host.Time);
        IsStorm = false;
        await _host.Faults.HealAsync();
        foreach (var producer in producing)
            await producer;
        await DrainAsync();
        foreach (var subscription in Subscriptions.Where(static s => s.MaxDeliveries > 0))
            await ReadDeadLettersAsync(subscription);
        IsOver = true;
        foreach (var consumer in consumers)
            await consumer.StopAsync();
    }

    /// <summary>Counts a fault, and notes the end of a broker's process, at the time at which the host applies it.</summary>
    private async Task NoteAsync(TimeSpan after, Fault fault, SimulatedProducer[] producers, SimulatedConsumer[] consumers)
    {
        await Task.Delay(after, _host.Time);
        if (fault.Kind == FaultKind.StopBroker)
            History.Add(new(Now, OpKind.BrokerLost));
        // A fault that meets nothing proves nothing.
        if (!producers.Any(static p => p.IsBusy) && !consumers.Any(static c => c.IsBusy))
            return;
        Counters.Count(Enum.Parse<Sometimes>(fault.Kind.ToString()));
        Counters.Count(Sometimes.FaultWhileBusy);
    }

    private async Task UpdateAsync(TopicPlan topic)
    {
        await Task.Delay(_plan.Storm * NewRandom(topic.Name).NextDouble(), _host.Time);
        try
        {
            await _clients[_plan.Clients.Last()].Topics.UpdateAsync(topic.Name, topic.Later!);
            Counters.Count(Sometimes.PolicyChanged);
        }
        catch (CometException)
        {
            // The topic keeps the policy it had, or a new broker does not know it.
            Counters.Count(Sometimes.AdministrationFailed);
        }
    }

    private async Task SeekAsync(SubscriptionPlan subscription)
    {
        await Task.Delay(_plan.Storm * NewRandom(subscription.Name).NextDouble(), _host.Time);
        var seek = new Op(Now, OpKind.Seek) { Topic = subscription.Topic, Subscription = subscription.Name };
        History.Add(seek);
        try
        {
            await _clients[_plan.Clients.Last()].Subscriptions.SeekAsync(subscription.Topic, subscription.Name, StartPosition.Earliest);
            History.Add(seek with { Time = Now, Kind = OpKind.Sought });
            Counters.Count(Sometimes.Sought);
        }
        catch (CometException)
        {
            // It may have been moved or not, or may be later.
            Counters.Count(Sometimes.AdministrationFailed);
        }
    }

    private static long TtlOf(TopicPolicy policy) =>
        policy.MessageTtl == Timeout.InfiniteTimeSpan ? 0 : (long)policy.MessageTtl.TotalMicroseconds;

    /// <summary>Waits until no subscription has anything left.</summary>
    private async Task DrainAsync()
    {
        var admin = _clients[_plan.Clients.First()];
        var start = _host.Time.GetTimestamp();
        while (true)
        {
            var left = await FindLeftAsync(admin);
            if (left.Length == 0)
            {
                History.Add(new(Now, OpKind.Drained));
                return;
            }
            if (_host.Time.GetElapsedTime(start) > s_drainLimit)
            {
                History.Add(new(Now, OpKind.NotDrained) { Note = left });
                return;
            }
            await Task.Delay(TimeSpan.FromSeconds(1), _host.Time);
        }
    }

    /// <summary>Writes down what a subscription has given up.</summary>
    private async Task ReadDeadLettersAsync(SubscriptionPlan subscription)
    {
        while (true)
        {
            try
            {
                foreach (var letter in await ListDeadLettersAsync(subscription))
                {
                    History.Add(letter);
                    Counters.Count(Sometimes.DeadLettered);
                }
                return;
            }
            catch (CometException e) when (e.IsTransient)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), _host.Time);
            }
        }
    }

    private async Task<IReadOnlyList<Op>> ListDeadLettersAsync(SubscriptionPlan subscription)
    {
        var client = _clients[_plan.Clients.First()];
        var topic = $"{subscription.Topic}/{subscription.Name}/dead-letters";
        if ((await client.Topics.ListAsync(topic)).Count == 0)
            return [];
        var count = (await client.Topics.DescribeAsync(topic)).Partitions.Sum(static p => p.EndOffset);
        await using var reader = await client.CreateReaderAsync<string>(topic);
        var letters = new List<Op>();
        while (letters.Count < count)
        {
            var letter = await reader.ReceiveAsync().AsTask();
            var origin = MessageId.Parse(letter.Headers[DeadLetterHeaders.Origin]!);
            letters.Add(new(Now, OpKind.DeadLettered)
            {
                Topic = subscription.Topic, Subscription = subscription.Name, Partition = origin.Partition, Offset = origin.Offset,
                Value = Payload.Read(letter.Value), Key = letter.Key,
                Count = int.Parse(letter.Headers[DeadLetterHeaders.Deliveries]!, CultureInfo.InvariantCulture),
            });
        }
        return letters;
    }

    private async Task<string> FindLeftAsync(CometClient admin)
    {
        var left = new List<string>();
        foreach (var topic in _plan.Topics.Select(static t => t.Name))
        {
            try
            {
                var description = await admin.Topics.DescribeAsync(topic);
                if (description.Partitions.Any(static p => p.StartOffset > 0))
                    Counters.Count(Sometimes.Trimmed);
                if (description.Subscriptions.Any(static s => s.Expired > 0))
                    Counters.Count(Sometimes.Expired);
                left.AddRange(description.Subscriptions.Where(static s => s.Backlog > 0 || s.Unacked > 0 || s.DeadLettering > 0)
                    .Select(s => $"{topic}: {s}"));
                // A new broker knows a subscription only when its consumers have come back.
                left.AddRange(
                    from facts in History.Subscriptions
                    where facts.Topic == topic
                    from partition in Enumerable.Range(0, description.Partitions.Count)
                    where !description.Subscriptions.Any(s => s.Name == facts.Name && s.Partition == partition)
                    select $"{topic}-{partition} has no '{facts.Name}'");
            }
            catch (CometException e) when (e.IsTransient || e.Code == ErrorCode.TopicNotFound)
            {
                left.Add($"{topic}: {e.Code}");
            }
        }
        return string.Join("; ", left);
    }
}
