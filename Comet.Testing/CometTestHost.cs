using Comet.Client;
using Comet.Server;
using Comet.Testing.Transport;
using Microsoft.Extensions.Logging;

namespace Comet.Testing;

/// <summary>The real broker and real clients in the test process, on one clock, with connections that can be cut.</summary>
/// <remarks>Thread-safe. Nothing of the host is shared with other hosts: tests can run at the same time.</remarks>
public sealed class CometTestHost : IAsyncDisposable
{
    private readonly CometServerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory? _loggers;
    private readonly BreakableTransport _transport = new();
    private readonly List<CometClient> _clients = [];
    private readonly Lock _gate = new();

    private CometTestHost(CometServerOptions options, TimeProvider time, ILoggerFactory? loggers)
    {
        (_options, _time, _loggers) = (options, time, loggers);
        Broker = new CometBroker(options, time, loggers);
        _transport.Target = Broker.Transport;
    }

    /// <summary>The broker of the moment.</summary>
    public CometBroker Broker { get; private set; }

    /// <summary>Starts a broker.</summary>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="time">The clock of the broker and of the clients, for example a FakeTimeProvider. Null: the system's.</param>
    /// <param name="loggers">Null: nothing is logged.</param>
    public static CometTestHost Start(CometServerOptions? options = null, TimeProvider? time = null, ILoggerFactory? loggers = null) =>
        new(options ?? new(), time ?? TimeProvider.System, loggers);

    /// <summary>Connects a client; the host disposes it.</summary>
    /// <param name="options">Null: the defaults. Transport and TimeProvider are the host's, whatever they say.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="CometException">The broker is stopped, or refuses the client.</exception>
    public async Task<CometClient> ConnectAsync(CometClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        var client = await CometClient.ConnectAsync(
            (options ?? new()) with { Transport = _transport, TimeProvider = _time, LoggerFactory = options?.LoggerFactory ?? _loggers },
                cancellationToken);
        lock (_gate)
            _clients.Add(client);
        return client;
    }

    /// <summary>Cuts all connections at once, as a network does: what is on its way is lost. Clients reconnect by themselves.</summary>
    public ValueTask CutConnectionsAsync() => _transport.CutAllAsync();

    /// <summary>Stops the broker; clients cannot connect until <see cref="StartBroker"/>.</summary>
    public async ValueTask StopBrokerAsync()
    {
        _transport.Target = null;
        await _transport.CutAllAsync();
        await Broker.DisposeAsync();
    }

    /// <summary>Starts a new broker after <see cref="StopBrokerAsync"/>. It has none of the messages that the old one kept in
    /// memory.</summary>
    public void StartBroker()
    {
        Broker = new CometBroker(_options, _time, _loggers);
        _transport.Target = Broker.Transport;
    }

    /// <summary>Disposes the clients and the broker.</summary>
    public async ValueTask DisposeAsync()
    {
        CometClient[] clients;
        lock (_gate)
            clients = [.. _clients];
        await Task.WhenAll(clients.Select(static c => c.DisposeAsync().AsTask()));
        await Broker.DisposeAsync();
    }
}
