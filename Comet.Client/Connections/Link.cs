using Comet.Transport;
using Comet.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Polly;
using Polly.Retry;

namespace Comet.Client.Connections;

/// <summary>The client's one connection at a time, replaced by a connection to the next node whenever it is lost. Everything above asks
/// here for the connection of the moment.</summary>
internal sealed class Link : IAsyncDisposable
{
    private readonly CometClientOptions _options;
    private readonly Dialer _dialer;
    private readonly ILogger _logger;
    private readonly ResiliencePipeline<Connection> _redial;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private TaskCompletionSource<Connection> _current = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Connection? _connection;
    private Task _keeping = Task.CompletedTask;

    public Link(CometClientOptions options)
    {
        _options = options;
        _dialer = new Dialer(options);
        _logger = (options.LoggerFactory ?? NullLoggerFactory.Instance).CreateLogger("Comet.Client");
        _redial = BuildRedial(options);
    }

    public CometClientOptions Options => _options;

    public ILogger Logger => _logger;

    /// <summary>What the broker takes, as it said last.</summary>
    public int MaxMessageLength { get; private set; } = FrameLimits.DefaultMaxMessageLength;

    /// <summary>What is known of the topics in use.</summary>
    public TopicWatcher Topics { get; } = new();

    public StateMonitor<ClientState> State { get; } = new(ClientState.Reconnecting,
        static s => s is ClientState.Closed or ClientState.Faulted);

    /// <summary>Connects for the first time: each node is tried once, so that a wrong address is told at once.</summary>
    public async Task ConnectAsync(CancellationToken cancellationToken)
    {
        CometException? failure = null;
        for (var i = 0; i < _options.Addresses.Count; i++)
        {
            try
            {
                var connection = await _dialer.DialNextAsync(cancellationToken);
                Publish(connection);
                _keeping = KeepAsync(connection);
                return;
            }
            catch (CometException e)
            {
                // A refusal tells more than an unreachable node.
                failure = failure is { IsTransient: false } ? failure : e;
            }
        }
        throw failure!;
    }

    /// <summary>The connection of the moment, or the next one.</summary>
    /// <exception cref="CometException">The client is closed or faulted.</exception>
    public Task<Connection> GetAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            // Whoever hears of the end first must not be given the old one again.
            if (_connection is { Ended.IsCompleted: true })
                Withdraw();
            return _current.Task.IsCompletedSuccessfully ? _current.Task : _current.Task.InContextAsync().WaitAsync(cancellationToken);
        }
    }

    /// <summary>Sends a request and waits for its answer. A connection that is lost on the way is an error, not tried again.</summary>
    /// <param name="request">The request.</param>
    /// <param name="onReceived">Called on the receive loop, before anything that the broker sent behind the answer is handled.</param>
    /// <param name="cancellationToken">Ends the wait; the request may still be carried out.</param>
    public async Task<TAnswer> RequestAsync<TRequest, TAnswer>(
        TRequest request, Action<Connection, TAnswer>? onReceived, CancellationToken cancellationToken)
        where TRequest : struct, IFrame<TRequest>
        where TAnswer : struct, IFrame<TAnswer>
    {
        try
        {
            var connection = await GetAsync(cancellationToken).WaitAsync(_options.OperationTimeout, _options.TimeProvider,
                cancellationToken);
            return await RequestAsync(connection, request, onReceived, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new CometException(ErrorCode.Timeout, $"No node could be reached within {_options.OperationTimeout.TotalSeconds:0.#} s.");
        }
    }

    /// <inheritdoc cref="RequestAsync{TRequest, TAnswer}(TRequest, Action{Connection, TAnswer}?, CancellationToken)"/>
    /// <param name="connection">The connection to ask over.</param>
    /// <param name="request">The request.</param>
    /// <param name="onReceived">Called on the receive loop, also when nobody waits for the answer any more.</param>
    /// <param name="cancellationToken">Ends the wait; the request may still be carried out.</param>
    /// <param name="deadline">Null: <see cref="CometClientOptions.OperationTimeout"/>.</param>
    public async Task<TAnswer> RequestAsync<TRequest, TAnswer>(
        Connection connection, TRequest request, Action<Connection, TAnswer>? onReceived, CancellationToken cancellationToken,
            TimeSpan? deadline = null)
        where TRequest : struct, IFrame<TRequest>
        where TAnswer : struct, IFrame<TAnswer>
    {
        var pending = new PendingAnswer<TAnswer>(onReceived is null ? null : answer => onReceived(connection, answer));
        connection.Request(request, pending);
        try
        {
            return await pending.Task.InContextAsync().WaitAsync(deadline ?? _options.OperationTimeout, _options.TimeProvider,
                cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new CometException(ErrorCode.Timeout, $"{connection.RemoteAddress} did not answer {TRequest.Type} within "
                + $"{(deadline ?? _options.OperationTimeout).TotalSeconds:0.#} s; whether it was carried out is unknown.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        State.Set(ClientState.Closed);
        await _closing.CancelSoonAsync(_options.Engine);
        Task<Connection> current;
        lock (_gate)
        {
            _current.TrySetException(new CometException(ErrorCode.Closed, "The client is closed."));
            _ = _current.Task.Exception;
            current = _current.Task;
        }
        if (current.IsCompletedSuccessfully)
            await (await current).DisposeAsync();
        await _keeping;
    }

    private static ResiliencePipeline<Connection> BuildRedial(CometClientOptions options)
    {
        var backoff = new Backoff(options);
        return new ResiliencePipelineBuilder<Connection> { TimeProvider = options.TimeProvider }
            .AddRetry(new RetryStrategyOptions<Connection>
            {
                // The retry library knows no fewer than one retry, that is two attempts.
                ShouldHandle = new PredicateBuilder<Connection>()
                    .Handle<CometException>(e => e.IsTransient && options.Reconnect.MaxAttempts != 1),
                MaxRetryAttempts = options.Reconnect.MaxAttempts is { } most ? Math.Max(most - 1, 1) : int.MaxValue,
                // The other nodes are tried at once; only when all were, it is time to wait.
                DelayGenerator = arguments =>
                {
                    if (arguments.AttemptNumber == 0)
                        backoff.Reset();
                    return new(arguments.AttemptNumber < options.Addresses.Count - 1 ? TimeSpan.Zero : backoff.Next());
                },
            })
            .Build();
    }

    /// <summary>Waits for the end of each connection and opens the next one, until the client is closed or a fault is final.</summary>
    private async Task KeepAsync(Connection connection)
    {
        try
        {
            while (!_closing.IsCancellationRequested)
            {
                var reason = await connection.Ended;
                if (_closing.IsCancellationRequested)
                    return;
                LinkLog.Lost(_logger, connection.RemoteAddress, reason.Code, reason.Message);
                State.Set(ClientState.Reconnecting);
                Withdraw();
                connection = await RedialAsync();
                LinkLog.Reconnected(_logger, connection.RemoteAddress);
                Publish(connection);
                _ = Topics.LookAgainAsync(this, connection);
            }
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // Closed while dialling.
        }
        catch (CometException e)
        {
            LinkLog.Faulted(_logger, e.Code, e.Message);
            State.Set(ClientState.Faulted, e);
            lock (_gate)
                _current.TrySetException(e);
        }
    }

    // The retry library leaves the context behind its awaits unless it is told not to.
    private async Task<Connection> RedialAsync()
    {
        var context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: true, _closing.Token);
        try
        {
            return await _redial.ExecuteAsync(async attempt => await _dialer.DialNextAsync(attempt.CancellationToken), context);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private void Publish(Connection connection)
    {
        // A draining broker still answers what is on its way; then the next node is dialled.
        MaxMessageLength = (int)Math.Clamp(connection.Welcome.MaxMessageLength, 1, FrameLimits.HardMaxMessageLength);
        connection.TopicChanged = Topics.Learn;
        connection.GoodbyeReceived = () => _ = LeaveAsync(connection);
        lock (_gate)
        {
            if (_closing.IsCancellationRequested || !_current.TrySetResult(connection))
                connection.End(new CometException(ErrorCode.Closed, "The client is closed."));
            else
                _connection = connection;
        }
        State.Set(ClientState.Connected);
    }

    private async Task LeaveAsync(Connection connection)
    {
        await Task.Delay(s_goodbyeGrace, _options.TimeProvider, CancellationToken.None);
        connection.End(new CometException(ErrorCode.BrokerStopping, $"{connection.RemoteAddress} is stopping."));
    }

    // Answers to what was sent before the Goodbye arrived come within this.
    private static readonly TimeSpan s_goodbyeGrace = TimeSpan.FromMilliseconds(100);

    private void Withdraw()
    {
        lock (_gate)
        {
            _connection = null;
            if (_current.Task.IsCompletedSuccessfully)
                _current = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}

internal static partial class LinkLog
{
    [LoggerMessage(1001, LogLevel.Warning, "The connection to {Node} ended: {Code}: {Reason}; reconnecting")]
    public static partial void Lost(ILogger logger, string node, ErrorCode code, string reason);

    [LoggerMessage(1002, LogLevel.Information, "Reconnected to {Node}")]
    public static partial void Reconnected(ILogger logger, string node);

    [LoggerMessage(1003, LogLevel.Error, "The client cannot reconnect: {Code}: {Reason}")]
    public static partial void Faulted(ILogger logger, ErrorCode code, string reason);
}
