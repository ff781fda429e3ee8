using Comet.Server.Topics;
using Comet.Transport;
using Comet.Wire;

namespace Comet.Server.Sessions;

/// <summary>One client's connection from its first byte to its last: handshake, frames, heartbeat, end.</summary>
/// <remarks>The happy path is <see cref="FrameReceiver"/>'s and <see cref="FrameSender"/>'s; this class begins them, classifies how they
/// end, and cleans up. The first reason for the end wins.</remarks>
internal sealed class Session : IAsyncDisposable
{
    // Heartbeats that may be missed before a silent peer counts as gone.
    private const int MissedHeartbeats = 3;

    // How long the last frames may take to leave a connection that ends.
    private static readonly TimeSpan s_endTimeout = TimeSpan.FromSeconds(2);

    private readonly ICometConnection _connection;
    private readonly CometServerOptions _options;
    private readonly TopicRegistry _topics;
    private readonly TimeProvider _time;
    private readonly SynchronizationContext? _engine;
    private readonly EndingLog _log;
    private readonly FrameSender _sender;
    private readonly SessionPeer _peer;
    private readonly SessionFrames _frames;
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _gate = new();
    private CometException? _reason;
    private int _silentIntervals;

    public Session(long number, ICometConnection connection, CometServerOptions options, TopicRegistry topics, TimeProvider time,
        EndingLog log)
    {
        (Number, _connection, _options, _topics, _time, _log) = (number, connection, options, topics, time, log);
        _engine = SynchronizationContext.Current;
        _sender = new FrameSender(connection.Output, HeaderCodec.MessagePack, options.MaxUnsentBytes, HoldBytes(options));
        var lone = new LoneCommit(time);
        _peer = new SessionPeer(_sender, options, lone);
        _frames = new SessionFrames(_peer, _sender, topics, options, lone);
    }

    /// <summary>Counts the broker's sessions, from 1.</summary>
    public long Number { get; }

    /// <summary>Serves the connection until it ends. Does not throw: how it ended is logged and told to the client.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.Register(
            static self => ((Session)self!).End(new CometException(ErrorCode.BrokerStopping, "The broker is stopping.")), this);
        using var deadline = _time.CreateTimer(static self => ((Session)self!).CheckHandshake(), this, _options.HandshakeTimeout,
            Timeout.InfiniteTimeSpan);
        using var heartbeat = _time.CreateTimer(static self => ((Session)self!).Heartbeat(), this, _options.HeartbeatInterval,
            _options.HeartbeatInterval);
        try
        {
            _sender.SendPreface();
            _sender.Flush();
            if (await FrameReceiver.ReadPrefaceAsync(_connection.Input, _connection.RemoteAddress, isClient: true, _ending.Token))
                await FrameReceiver.RunAsync(_connection.Input, _frames, _ending.Token);
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The reason is set already.
        }
        catch (CometException e)
        {
            End(e);
        }
        // A transport may throw anything when the peer goes away.
        catch (Exception e)
        {
            End(new CometException(ErrorCode.ConnectionLost, $"The connection to {_connection.RemoteAddress} was lost: {e.Message}", e));
        }
        await CloseAsync();
    }

    /// <summary>Tells the client that the broker drains: it takes its answers and goes.</summary>
    public void SayGoodbye() => _sender.Send(new GoodbyeFrame(ErrorCode.BrokerStopping, "The broker is stopping."));

    /// <summary>Ends the session soon, for this reason unless it has another.</summary>
    public void End(CometException reason)
    {
        lock (_gate)
            _reason ??= reason;
        // Continuations of the receive loop must not run inside a timer or another session's call.
        _ = _ending.CancelSoonAsync(_engine);
    }

    public ValueTask DisposeAsync()
    {
        _ending.Dispose();
        return _connection.DisposeAsync();
    }

    // Deliveries stop at the limit and may overshoot it by one. Who reads them slowly is still heard, and answered, as long again:
    // otherwise its signs of life would stay unread and it would count as silent.
    private static long HoldBytes(CometServerOptions options) =>
        options.MaxUnsentBytes + (long)Math.Max(options.MaxUnsentBytes, FrameLimits.For(options.MaxMessageLength).MaxFrameLength);

    private async Task CloseAsync()
    {
        _topics.Watchers.Remove(_peer);
        _peer.DetachAll();
        if (_reason is { } reason)
        {
            _sender.Send(new ErrorFrame(reason.Code, reason.Message, null));
            if (reason.Code is not ErrorCode.BrokerStopping)
                _log.Add(_connection.RemoteAddress, reason);
        }
        try
        {
            await _sender.EndAsync().WaitAsync(s_endTimeout, _time);
        }
        catch (TimeoutException)
        {
            _sender.Abort(null);
        }
    }

    private void CheckHandshake()
    {
        if (!_frames.IsOpen)
            End(new CometException(ErrorCode.HandshakeTimeout,
                $"The handshake was not finished within {_options.HandshakeTimeout.TotalSeconds:0.#} s."));
    }

    private void Heartbeat()
    {
        if (!_frames.IsOpen)
            return;
        _silentIntervals = _frames.TakeHasReceived() || _frames.IsHeld ? 0 : _silentIntervals + 1;
        if (_silentIntervals >= MissedHeartbeats)
        {
            End(new CometException(ErrorCode.HeartbeatTimeout,
                $"The client sent nothing for {MissedHeartbeats} heartbeats of {_options.HeartbeatInterval.TotalSeconds:0.#} s."));
            return;
        }
        _sender.Send(default(PingFrame));
        _peer.ReportProgress();
    }
}
