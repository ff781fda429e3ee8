using System.Globalization;
using System.Security.Cryptography;
using Comet.Client;
using Comet.Server;
using Comet.Testing.Engine;
using Comet.Testing.Transport;

namespace Comet.Testing;

/// <summary>The real broker and real clients in the test process, on one thread and one clock that moves only when the test says so,
/// with a network that fails on demand.</summary>
/// <remarks>
/// Thread-safe; a test calls clients, producers and consumers as any program does and awaits them as usual. While the clock stands, all
/// that needs no time goes on: sends are confirmed, deliveries arrive. What waits for time (delays, leases, back-offs, the linger of acks) waits
/// for <see cref="AdvanceAsync"/>. Nothing of a host is shared with other hosts: tests can run at the same time.
/// <para>In <see cref="RunAsync"/> the test itself runs on the host's thread, the clock moves by itself whenever nothing else can happen,
/// and the same seed gives the same run, bit for bit.</para>
/// </remarks>
public sealed class CometTestHost : IAsyncDisposable
{
    /// <summary>One day.</summary>
    public static readonly TimeSpan DefaultRunLimit = TimeSpan.FromDays(1);

    private readonly CometTestHostOptions _options;
    private readonly VirtualTime? _virtualTime;
    private readonly EngineThread _engine;
    private readonly Random _names;
    private readonly List<CometClient> _clients = [];
    private readonly List<TestNetwork> _networks = [];
    private readonly Fingerprint _fingerprint = new();
    private readonly Lock _gate = new();
    private CometBroker? _broker;
    private long _brokerStarted = -1;

    private CometTestHost(CometTestHostOptions options)
    {
        _options = options;
        Seed = options.Seed ?? SeedOfEnvironment() ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        Time = options.Time ?? new VirtualTime();
        _virtualTime = Time as VirtualTime;
        _names = new LockedRandom(Seed);
        _engine = new EngineThread(_virtualTime, options.ShuffleWork ? new Random(Seed) : null);
        Faults = new Faults(this, _engine, new Random(Seed));
        _broker = NewBroker();
    }

    /// <summary>The broker of the moment.</summary>
    /// <exception cref="InvalidOperationException">It is stopped.</exception>
    public CometBroker Broker => _broker ?? throw new InvalidOperationException("The broker is stopped; start it with StartBrokerAsync.");

    /// <summary>The clock of the broker and the clients; give it to the program under test as well.</summary>
    public TimeProvider Time { get; }

    /// <summary>What chance is drawn from in this host. A run repeats in a host of the same seed, if it repeats at all.</summary>
    public int Seed { get; }

    /// <summary>Breaks the network and the broker, now, later or at random.</summary>
    public Faults Faults { get; }

    /// <summary>A checksum over all bytes that connections have carried, and when. Two runs with the same one had the same
    /// history.</summary>
    public long HistoryHash => (long)_fingerprint.Value;

    /// <summary>How many pieces of work have come from other threads during <see cref="RunAsync"/>: after Task.Run or
    /// ConfigureAwait(false) in the test or the program under it. When it is not zero the run need not repeat, and the clock may have
    /// moved while they worked.</summary>
    public long StrayContinuations => _engine.Strays;

    /// <summary>How many connections clients have opened so far.</summary>
    public int Connections => _networks.Sum(static n => n.Opened);

    /// <summary>How many pieces of work the host's thread has run.</summary>
    public long Steps => _engine.Steps;

    /// <summary>The networks of all clients so far; used on the engine.</summary>
    internal IReadOnlyList<TestNetwork> Networks => _networks;

    /// <summary>Starts a host; its broker serves at once.</summary>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="ArgumentException">An option of the broker is out of its range.</exception>
    public static CometTestHost Start(CometTestHostOptions? options = null) => new(options ?? new CometTestHostOptions());

    /// <summary>Connects a client; the host disposes it.</summary>
    /// <param name="options">Null: the defaults. Transport and TimeProvider are the host's, whatever they say; faults know the client by
    /// its ClientName.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="CometException">The broker is stopped, or refuses the client.</exception>
    public Task<CometClient> ConnectAsync(CometClientOptions? options = null, CancellationToken cancellationToken = default) =>
        _engine.InvokeAsync(async () =>
        {
            var wanted = options ?? new CometClientOptions();
            var network = new TestNetwork(wanted.ClientName, Time, _fingerprint, () => _broker?.Transport);
            _networks.Add(network);
            Faults.Greet(network);
            var client = await CometClient.ConnectAsync(
                wanted with
                {
                    Transport = network,
                    TimeProvider = Time,
                    Engine = _engine,
                    Randomness = _names,
                    LoggerFactory = wanted.LoggerFactory ?? _options.LoggerFactory,
                    PlantedBug = _options.PlantedBug,
                },
                cancellationToken);
            lock (_gate)
                _clients.Add(client);
            return client;
        });

    /// <summary>Completes when nothing can happen any more until the clock moves: every frame has arrived and is handled.</summary>
    public Task IdleAsync() => _engine.IdleAsync();

    /// <summary>Moves the clock: timers fire in the order in which they are due, and all that comes of one is done before the
    /// next.</summary>
    /// <param name="by">Zero or longer; thirty days are no problem.</param>
    /// <exception cref="InvalidOperationException">The clock is not a <see cref="VirtualTime"/>: whoever made it moves it.</exception>
    public Task AdvanceAsync(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        return _virtualTime is not null ? _engine.AdvanceAsync(by) : throw new InvalidOperationException(
            $"The clock of this host is a {Time.GetType().Name}; only a VirtualTime can be moved by the host.");
    }

    /// <summary>Runs a test on the host's thread, between the steps of broker and clients. The clock moves by itself to the next timer
    /// whenever nothing can happen, so that waiting costs nothing; with the same seed the same happens again.</summary>
    /// <param name="test">The test. It must stay on the thread: no Task.Run, no ConfigureAwait(false), no WaitAsync or WhenAny on what
    /// other threads complete.</param>
    /// <param name="limit">How far the clock may move by itself; then the test waits in vain. Null: a day.</param>
    /// <exception cref="TimeoutException">The test waits for something that will not come.</exception>
    public Task RunAsync(Func<Task> test, TimeSpan? limit = null)
    {
        ArgumentNullException.ThrowIfNull(test);
        return _engine.RunAsync(test, limit ?? DefaultRunLimit);
    }

    /// <summary>Stops the broker as a crash does: connections end without a word. Clients cannot connect until
    /// <see cref="StartBrokerAsync"/>.</summary>
    public Task StopBrokerAsync() => _engine.InvokeAsync(async () =>
    {
        if (_broker is not { } broker)
            return false;
        _broker = null;
        foreach (var connection in _networks.SelectMany(static n => n.Open).ToArray())
            connection.Cut();
        await broker.DisposeAsync();
        return true;
    });

    /// <summary>Starts a new broker after <see cref="StopBrokerAsync"/>. It has none of the messages that the old one kept in
    /// memory. Does nothing while one runs.</summary>
    public Task StartBrokerAsync() => _engine.InvokeAsync(() =>
    {
        _broker ??= NewBroker();
        return Task.FromResult(true);
    });

    /// <summary>Disposes the clients and the broker; the clock of the host moves where they wait for it. Never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_virtualTime is null)
                await DisposeAllAsync();
            else
                await _engine.RunAsync(DisposeAllAsync, DefaultRunLimit);
        }
        catch (TimeoutException)
        {
            // What does not end by itself ends with the thread.
        }
        _engine.Dispose();
    }

    private static int? SeedOfEnvironment() =>
        int.TryParse(Environment.GetEnvironmentVariable(CometTestHostOptions.SeedVariable), CultureInfo.InvariantCulture, out var seed)
            ? seed
            : null;

    private async Task DisposeAllAsync()
    {
        CometClient[] clients;
        lock (_gate)
            clients = [.. _clients];
        await Task.WhenAll(clients.Select(static c => c.DisposeAsync().AsTask()));
        if (_broker is not null)
            await _broker.DisposeAsync();
    }

    private CometBroker NewBroker()
    {
        // A broker's epoch is the time it starts at; no process starts at the instant in which another one did.
        if (_virtualTime is not null && _brokerStarted == _virtualTime.GetTimestamp())
            _virtualTime.MoveTo(_brokerStarted + TimeSpan.TicksPerMillisecond);
        _brokerStarted = Time.GetTimestamp();
        return new CometBroker(_options.Server with { PlantedBug = _options.PlantedBug }, Time, _options.LoggerFactory, _engine);
    }

    private sealed class LockedRandom(int seed) : Random(seed)
    {
        private readonly Lock _gate = new();

        public override double NextDouble()
        {
            lock (_gate)
                return base.NextDouble();
        }

        public override void NextBytes(Span<byte> buffer)
        {
            lock (_gate)
                base.NextBytes(buffer);
        }
    }
}
