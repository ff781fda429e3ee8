using System.Collections.Concurrent;
using Comet.Server.Broker;
using Comet.Server.Diagnostics;
using Comet.Server.Sessions;
using Comet.Server.Storage;
using Comet.Server.Storage.Local;
using Comet.Server.Storage.Memory;
using Comet.Server.Topics;
using Comet.Transport;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Comet.Server;

/// <summary>A broker: it serves connections of any transport. In the same process, connect through <see cref="Transport"/>; for TCP and
/// TLS, host it with AddCometServer.</summary>
/// <remarks>Thread-safe. Messages are kept in memory and are gone with the broker, unless
/// <see cref="CometServerOptions.LocalStorage"/> says where to keep them.</remarks>
public sealed class CometBroker : IAsyncDisposable
{
    // Disposing waits this much longer than the drain before it lets go of connections that do not end.
    private static readonly TimeSpan s_disposeMargin = TimeSpan.FromSeconds(3);

    private readonly CometServerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SynchronizationContext? _engine;
    private readonly IBrokerStorage _storage;
    private readonly TopicRegistry _topics;
    private readonly BrokerMeter _meter;
    private readonly EndingLog _endings;
    private readonly ConcurrentDictionary<Session, Task> _sessions = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly Lock _gate = new();
    private Task? _recovering;
    private Task? _stopping;
    private long _lastSession;

    /// <summary>Creates a broker; it serves at once. One with local storage takes its directory, and holds it until it is
    /// disposed; see <see cref="RecoverAsync"/>.</summary>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="time">Null: the system's clock.</param>
    /// <param name="loggers">Null: nothing is logged.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="CometException">The directory for the data is in use, or cannot be used; nothing has changed there.</exception>
    public CometBroker(CometServerOptions? options = null, TimeProvider? time = null, ILoggerFactory? loggers = null)
        : this(options, time, loggers, null)
    {
    }

    internal CometBroker(CometServerOptions? options, TimeProvider? time, ILoggerFactory? loggers, SynchronizationContext? engine)
    {
        _options = (options ?? new CometServerOptions()).Validated();
        _time = time ?? TimeProvider.System;
        _logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger("Comet.Server");
        _engine = engine;
        _storage = _options.LocalStorage is { } local
            ? new LocalStorage(local, _options.MemoryLimit, _time, _logger)
            : new MemoryStorage(_options, _time);
        _topics = new TopicRegistry(_options, _storage, _time, _logger) { StallFound = OnStall };
        _endings = new EndingLog(_logger, _time);
        _meter = new BrokerMeter(_topics.ReadCounters);
        Transport = new EmbeddedTransport(this);
    }

    /// <summary>How a client in this process reaches this broker: give it to CometClientOptions.Transport. Any address will do.</summary>
    public ICometTransport Transport { get; }

    /// <summary>Opens what a crash has left open, so that no client has to wait for it. Without it each partition is recovered when it is
    /// first used, and messages of those that nobody uses do not become due. Nothing to do without local storage, or after a clean stop.
    /// A partition whose files are damaged is logged and refuses its clients; others go on.</summary>
    /// <param name="cancellationToken">Ends the wait; recovering goes on.</param>
    public Task RecoverAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
            _recovering ??= _topics.RecoverAsync(_options.LocalStorage?.Recovering);
        return _recovering.WaitAsync(cancellationToken);
    }

    /// <summary>What does not work at the moment: partitions whose storage failed. Hosted with AddCometServer, the health check 'comet'
    /// says so, too.</summary>
    public BrokerHealth GetHealth() => _topics.ReadHealth();

    /// <summary>Serves one connection until it ends, and disposes it. Does not throw: faults of a connection are logged and told to its
    /// client.</summary>
    /// <param name="connection">The connection; TLS is done.</param>
    /// <param name="cancellationToken">Ends the connection.</param>
    public Task ServeAsync(ICometConnection connection, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        using (EngineContext.Enter(_engine))
            return ServeOneAsync(connection, cancellationToken);
    }

    /// <summary>Stops: tells clients to go, gives them <see cref="CometServerOptions.DrainTimeout"/> to take their answers, then ends
    /// what is left. Cancelling ends the wait, not the stop. Stopping twice is stopping once.</summary>
    public Task StopAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            using (EngineContext.Enter(_engine))
                _stopping ??= DrainAsync();
        }
        return _stopping.WaitAsync(cancellationToken);
    }

    /// <summary>Stops, and waits for it a bounded time. Never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await StopAsync().WaitAsync(_options.DrainTimeout + s_disposeMargin, _time);
        }
        catch (TimeoutException)
        {
            BrokerLog.DisposedBusy(_logger, _sessions.Count);
        }
        _endings.Dispose();
        _meter.Dispose();
        _topics.Dispose();
        _storage.Dispose();
    }

    private void OnStall(Stall stall)
    {
        _meter.StallRepaired(stall.Topic, stall.Subscription);
        BrokerLog.StallRepaired(_logger, stall.Subscription, stall.Topic, stall.Partition, stall.Offset);
    }

    private async Task ServeOneAsync(ICometConnection connection, CancellationToken cancellationToken)
    {
        await using var session = new Session(Interlocked.Increment(ref _lastSession), connection, _options, _topics, _time, _endings);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_sessions.Count >= _options.MaxConnections)
            session.End(new CometException(ErrorCode.LimitExceeded,
                $"The broker has {_options.MaxConnections} connections, which is its limit."));
        else if (_stopped.IsCancellationRequested || _stopping is not null)
            session.End(new CometException(ErrorCode.BrokerStopping, "The broker is stopping."));
        _sessions[session] = ended.Task;
        try
        {
            using var stopping = CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token, cancellationToken);
            await session.RunAsync(stopping.Token);
        }
        finally
        {
            _sessions.TryRemove(session, out _);
            ended.TrySetResult();
        }
    }

    private async Task DrainAsync()
    {
        foreach (var session in _sessions.Keys.OrderBy(static s => s.Number))
            session.SayGoodbye();
        try
        {
            await AllEndedAsync().WaitAsync(_options.DrainTimeout, _time);
        }
        catch (TimeoutException)
        {
            BrokerLog.DrainTimedOut(_logger, _sessions.Count);
        }
        await _stopped.CancelSoonAsync(_engine);
        await AllEndedAsync();
        if (_storage is LocalStorage)
            await _topics.CloseAsync();
    }

    private Task AllEndedAsync() => Task.WhenAll(_sessions.Values.Select(static ended => ended.InContextAsync()));

    private sealed class EmbeddedTransport(CometBroker broker) : ICometTransport
    {
        public ValueTask<ICometConnection> ConnectAsync(CometEndpoint endpoint, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (broker._stopped.IsCancellationRequested || broker._stopping is not null)
                throw new CometException(ErrorCode.ConnectFailed, "The embedded broker is stopped.");
            var (client, server) = InMemoryConnection.CreatePair();
            _ = broker.ServeAsync(server, CancellationToken.None);
            return new ValueTask<ICometConnection>(client);
        }
    }
}

internal static partial class BrokerLog
{
    [LoggerMessage(2201, LogLevel.Warning, "{Connections} connection(s) did not end within the drain timeout and are cut")]
    public static partial void DrainTimedOut(ILogger logger, int connections);

    [LoggerMessage(2203, LogLevel.Warning,
        "Subscription {Subscription} of {Topic}, partition {Partition}: message {Offset} could be delivered and was not; delivered now")]
    public static partial void StallRepaired(ILogger logger, string subscription, string topic, int partition, long offset);

    [LoggerMessage(2202, LogLevel.Warning, "Disposed with {Connections} connection(s) that do not end")]
    public static partial void DisposedBusy(ILogger logger, int connections);
}
