using System.Collections.Concurrent;
using Comet.Client.Connections;
using Comet.Client.Consuming;
using Comet.Client.Producing;
using Comet.Transport;
using Comet.Wire;

namespace Comet.Client;

/// <summary>A connection to Comet: makes producers, consumers and readers, and keeps them connected.</summary>
/// <remarks>Thread-safe. One client is enough for a program: all its producers and consumers share one connection, which is replaced by one
/// to the next node whenever it is lost.</remarks>
public sealed class CometClient : IAsyncDisposable
{
    private const string AllBelow = "/*";

    private readonly Link _link;
    private readonly ConcurrentDictionary<object, (long Number, IAsyncDisposable Item)> _children = new();
    private long _lastChild;

    private CometClient(Link link)
    {
        _link = link;
        Topics = new TopicAdministration(link);
        Subscriptions = new SubscriptionAdministration(link, Topics);
        DeadLetters = new DeadLetterAdministration(this);
        Schedules = new ScheduleAdministration(link, Topics);
    }

    /// <summary>Whether the client is connected, and why not.</summary>
    public StateMonitor<ClientState> State => _link.State;

    /// <summary>Creates, changes, lists, describes and deletes topics.</summary>
    public TopicAdministration Topics { get; }

    /// <summary>Creates, moves, lists, describes, explains and deletes durable subscriptions, without consuming.</summary>
    public SubscriptionAdministration Subscriptions { get; }

    /// <summary>Looks at the messages that subscriptions have given up, and moves them back.</summary>
    public DeadLetterAdministration DeadLetters { get; }

    /// <summary>Cancels, moves, lists and counts messages that wait for their time.</summary>
    public ScheduleAdministration Schedules { get; }

    /// <summary>Connects to one node.</summary>
    /// <param name="address">For example comet://127.0.0.1:7400, or comets://host:7400 for TLS.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="ArgumentNullException">There is no address.</exception>
    /// <exception cref="FormatException">The address has another form.</exception>
    /// <exception cref="CometException">No connection: <see cref="ErrorCode.ConnectFailed"/>, <see cref="ErrorCode.HandshakeTimeout"/>,
    /// <see cref="ErrorCode.NotComet"/>, <see cref="ErrorCode.CertificateRejected"/>, <see cref="ErrorCode.UnsupportedVersion"/>,
    /// …</exception>
    public static Task<CometClient> ConnectAsync(string address = "comet://127.0.0.1:7400",
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        return ConnectAsync(new CometClientOptions { Addresses = [CometEndpoint.Parse(address)] }, cancellationToken);
    }

    /// <summary>Connects to the first node that accepts; each is tried once. From then on the client reconnects by itself.</summary>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <inheritdoc cref="ConnectAsync(string, CancellationToken)" path="/exception"/>
    public static Task<CometClient> ConnectAsync(CometClientOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        using (EngineContext.Enter(options.Engine))
            return ConnectCoreAsync(options.Validated(), cancellationToken);
    }

    /// <summary>Creates a producer and attaches it to all partitions of its topic, which is created on first use where the broker does
    /// so.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicNotFound"/>, <see cref="ErrorCode.InvalidName"/>,
    /// <see cref="ErrorCode.ProducerBusy"/>, <see cref="ErrorCode.Timeout"/>, …</exception>
    public Task<Producer<T>> CreateProducerAsync<T>(string topic, ProducerOptions<T>? options = null,
        CancellationToken cancellationToken = default)
    {
        var checkedOptions = (options ?? new ProducerOptions<T>()).Validated();
        var encoder = new MessageEncoder<T>(checkedOptions.Serializer ?? MessageSerializer.DefaultFor<T>(), checkedOptions.Router);
        using (EngineContext.Enter(_link.Options.Engine))
            return CreateProducerCoreAsync(ProducerSettings.From(topic, checkedOptions, _link.Options.Randomness), encoder,
                cancellationToken);
    }

    /// <summary>Creates a consumer of a durable subscription, which is created on first use.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="subscription">The subscription's name.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.ConsumerBusy"/>, <see cref="ErrorCode.SubscriptionTypeMismatch"/>,
    /// <see cref="ErrorCode.ConsumerNameTaken"/>, <see cref="ErrorCode.TopicNotFound"/>, <see cref="ErrorCode.InvalidName"/>,
    /// <see cref="ErrorCode.Timeout"/>, …</exception>
    public Task<Consumer<T>> SubscribeAsync<T>(
        string topic, string subscription, ConsumerOptions<T>? options = null, CancellationToken cancellationToken = default) =>
        SubscribeAsync([topic], subscription, options, cancellationToken);

    /// <summary>Creates a consumer of a subscription of that name in each of several topics: one stream, to which each partition of each
    /// topic contributes in turn. Acks go to where the message came from.</summary>
    /// <param name="topics">The topics. One that ends with <c>/*</c> stands for all that exist now and begin so; those that are created
    /// later are not among them.</param>
    /// <param name="subscription">The subscription's name.</param>
    /// <param name="options">Null: the defaults. The receive window is spread over all partitions.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <inheritdoc cref="SubscribeAsync{T}(string, string, ConsumerOptions{T}, CancellationToken)" path="/exception"/>
    public Task<Consumer<T>> SubscribeAsync<T>(
        IEnumerable<string> topics, string subscription, ConsumerOptions<T>? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(topics);
        var checkedOptions = (options ?? new ConsumerOptions<T>()).Validated();
        var serializer = checkedOptions.Serializer ?? MessageSerializer.DefaultFor<T>();
        Names.Require(subscription, "subscription");
        using (EngineContext.Enter(_link.Options.Engine))
            return SubscribeCoreAsync([.. topics], subscription, checkedOptions, serializer, cancellationToken);
    }

    /// <summary>Creates a reader: a stream of a topic's messages without a subscription.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicNotFound"/>, <see cref="ErrorCode.InvalidName"/>,
    /// <see cref="ErrorCode.Timeout"/>, …</exception>
    public Task<Reader<T>> CreateReaderAsync<T>(string topic, ReaderOptions<T>? options = null,
        CancellationToken cancellationToken = default)
    {
        var settings = ConsumerSettings.From(topic, options ?? new ReaderOptions<T>(), _link.Options.Randomness);
        var serializer = options?.Serializer ?? MessageSerializer.DefaultFor<T>();
        using (EngineContext.Enter(_link.Options.Engine))
            return StartAsync(settings, [topic], serializer, (core, forget) => new Reader<T>(core, forget), cancellationToken);
    }

    /// <summary>Stored messages once more, from one position up to another, at the speed of choice. Nothing is asked of the broker
    /// before <see cref="Replay{T}.ReadAllAsync"/>.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="from">Where it begins.</param>
    /// <param name="to">Where it ends, that position excluded. Null: <see cref="StartPosition.Latest"/>, that is behind what is stored when
    /// the enumeration begins; it never goes beyond that.</param>
    /// <param name="serializer">How payloads become values. Null: UTF-8 for strings, the bytes themselves for bytes; other types need
    /// one.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.InvalidName"/>.</exception>
    public Replay<T> Replay<T>(string topic, StartPosition from, StartPosition? to = null, IMessageSerializer<T>? serializer = null) =>
        new(_link, Topics, serializer ?? MessageSerializer.DefaultFor<T>(), Names.Require(topic, "topic"), from,
            to ?? StartPosition.Latest);

    /// <summary>Removes a durable subscription that has no consumers, with its place in the topic.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.SubscriptionNotFound"/>, <see cref="ErrorCode.SubscriptionInUse"/>,
    /// …</exception>
    public Task UnsubscribeAsync(string topic, string subscription, CancellationToken cancellationToken = default) =>
        Subscriptions.DeleteAsync(topic, subscription, cancellationToken);

    /// <summary>Asks the node for a sign of life and returns how long the answer took.</summary>
    /// <exception cref="CometException">The broker cannot be reached.</exception>
    public async Task<TimeSpan> PingAsync(CancellationToken cancellationToken = default)
    {
        var connection = await _link.GetAsync(cancellationToken);
        var start = _link.Options.TimeProvider.GetTimestamp();
        await _link.RequestAsync<PingFrame, PongFrame>(connection, default, null, cancellationToken);
        return _link.Options.TimeProvider.GetElapsedTime(start);
    }

    /// <summary>Asks what of the broker does not work: partitions that are offline, because their storage failed.</summary>
    /// <exception cref="CometException">The broker cannot be reached, or is older than this question.</exception>
    public async Task<BrokerHealth> GetHealthAsync(CancellationToken cancellationToken = default) =>
        (await _link.RequestAsync<DescribeHealthFrame, HealthFrame>(default, null, cancellationToken)).Health;

    /// <summary>Disposes all producers, consumers and readers (which send and confirm what waits, at most for DisposeTimeout) and the
    /// connection. Never throws; doing it again does nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        // In the order in which they were made, so that a simulation repeats.
        await Task.WhenAll(_children.Values.OrderBy(static child => child.Number)
            .Select(static child => child.Item.DisposeAsync().AsTask()));
        await _link.DisposeAsync();
    }

    private static async Task<CometClient> ConnectCoreAsync(CometClientOptions options, CancellationToken cancellationToken)
    {
        var link = new Link(options);
        await link.ConnectAsync(cancellationToken);
        return new CometClient(link);
    }

    private async Task<Producer<T>> CreateProducerCoreAsync<T>(ProducerSettings settings, MessageEncoder<T> encoder,
        CancellationToken cancellationToken)
    {
        var (watch, partitionCount) = await Topics.LookUpAsync(settings.Topic, cancellationToken);
        var core = new ProducerCore(_link, settings, partitionCount, watch);
        await core.StartAsync(cancellationToken);
        return Keep(new Producer<T>(core, encoder, Schedules, Forget));
    }

    private async Task<Consumer<T>> SubscribeCoreAsync<T>(
        string[] patterns, string subscription, ConsumerOptions<T> options, object serializer, CancellationToken cancellationToken)
    {
        var names = new List<string>();
        foreach (var pattern in patterns)
        {
            if (pattern?.EndsWith(AllBelow, StringComparison.Ordinal) == true)
                names.AddRange((await Topics.ListAsync(pattern[..^1], cancellationToken)).Select(static t => t.Name));
            else
                names.Add(Names.Require(pattern, "topic"));
        }
        names = [.. names.Distinct(StringComparer.Ordinal)];
        if (names.Count == 0)
            throw new CometException(ErrorCode.TopicNotFound, $"There is no topic '{string.Join("', '", patterns)}'.");
        var settings = ConsumerSettings.From(names[0], subscription, options, _link.Options.Randomness);
        return await StartAsync(
            settings, names, serializer, (core, forget) => new Consumer<T>(core, Subscriptions, forget), cancellationToken);
    }

    private async Task<TStream> StartAsync<TStream>(
        ConsumerSettings settings, IReadOnlyList<string> names, object serializer, Func<ConsumerCore, Action<object>, TStream> create,
            CancellationToken cancellationToken)
        where TStream : IAsyncDisposable
    {
        var topics = new List<(string, int, TopicWatch?)>();
        try
        {
            foreach (var name in names)
            {
                var (watch, partitionCount) = await Topics.LookUpAsync(name, cancellationToken);
                topics.Add((name, partitionCount, watch));
            }
        }
        catch
        {
            foreach (var (_, _, watch) in topics)
                watch?.Dispose();
            throw;
        }
        var core = new ConsumerCore(_link, settings, topics, serializer);
        await core.StartAsync(cancellationToken);
        return Keep(create(core, Forget));
    }

    private T Keep<T>(T child)
        where T : IAsyncDisposable
    {
        _children[child] = (Interlocked.Increment(ref _lastChild), child);
        return child;
    }

    private void Forget(object child) => _children.TryRemove(child, out _);
}
