using System.Collections.Concurrent;
using Comet.Transport;
using Comet.Wire;

namespace Comet.Client.Connections;

/// <summary>What gets the frames that the broker sends unasked to one of its producers or consumers. Called on the receive loop.</summary>
internal interface IAttachment
{
    void OnFrame(in RawFrame frame, HeaderCodec codec);
}

/// <summary>One open connection to a node: requests and their answers, deliveries, heartbeat, end. Opened by
/// <see cref="Dialer"/>.</summary>
internal sealed class Connection : IFrameHandler, IAsyncDisposable
{
    private const int MissedHeartbeats = 3;
    private const int MaxUnsentBytes = 16 * 1024 * 1024;
    private static readonly TimeSpan s_endTimeout = TimeSpan.FromSeconds(2);

    private readonly ICometConnection _transport;
    private readonly TimeProvider _time;
    private readonly SynchronizationContext? _engine;
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, IAnswerHandler> _pending = [];
    private readonly ConcurrentDictionary<long, IAttachment> _attachments = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource<CometException> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private HeaderCodec _codec = HeaderCodec.MessagePack;
    private CometException? _reason;
    private ITimer? _heartbeat;
    private ulong _lastCorrelationId;
    private int _silentIntervals;
    private int _hasReceived;

    public Connection(ICometConnection transport, TimeProvider time)
    {
        (_transport, _time, _engine) = (transport, time, SynchronizationContext.Current);
        Sender = new FrameSender(transport.Output, HeaderCodec.MessagePack, MaxUnsentBytes);
    }

    public FrameSender Sender { get; }

    public string RemoteAddress => _transport.RemoteAddress;

    /// <summary>What the broker said in Welcome.</summary>
    public WelcomeFrame Welcome { get; private set; }

    public FrameLimits Limits { get; private set; } = FrameLimits.BeforeHandshake;

    /// <summary>Completes with the reason when the connection has ended.</summary>
    public Task<CometException> Ended => _ended.Task;

    /// <summary>Whether the connection has ended or is about to: it takes no more requests.</summary>
    public bool IsEnding
    {
        get
        {
            lock (_gate)
                return _reason is not null;
        }
    }

    /// <summary>Called once when the broker says that it drains.</summary>
    public Action? GoodbyeReceived { get; set; }

    /// <summary>Called, on the receive loop, when a topic that was looked up over this connection has more partitions.</summary>
    public Action<string, int>? TopicChanged { get; set; }

    /// <summary>Shakes hands; on return the connection is open.</summary>
    public async Task OpenAsync(CometClientOptions options, CancellationToken cancellationToken)
    {
        Sender.SendPreface();
        var hello = new HelloFrame(
            ProtocolVersion.Min, ProtocolVersion.Max, options.HeaderCodec.Name, options.ClientName,
                typeof(Connection).Assembly.GetName().Version?.ToString(3), [], 0);
        var welcome = new PendingAnswer<WelcomeFrame>(answer => Accept(answer, options.HeaderCodec));
        Request(hello, welcome);
        _ = ReceiveAsync();
        Welcome = await welcome.Task.InContextAsync().WaitAsync(cancellationToken);
        var interval = TimeSpan.FromMilliseconds(Math.Clamp(Welcome.HeartbeatMilliseconds, 10, 3_600_000));
        lock (_gate)
        {
            // A connection that has ended meanwhile would never stop its timer.
            if (_reason is null)
                _heartbeat = _time.CreateTimer(static self => ((Connection)self!).Heartbeat(), this, interval, interval);
        }
    }

    /// <summary>Sends a request; the handler gets the answer, or hears that the connection was lost.</summary>
    public void Request<TRequest>(in TRequest request, IAnswerHandler handler)
        where TRequest : struct, IFrame<TRequest>
    {
        var correlationId = Register(handler);
        if (correlationId == 0 || !Sender.Send(request, correlationId))
            handler.OnLost(_reason ?? Lost("it was closed"));
    }

    /// <summary>Takes a correlation id for a request that the caller sends; 0 when the connection has ended.</summary>
    public ulong Register(IAnswerHandler handler)
    {
        lock (_gate)
        {
            if (_reason is not null)
                return 0;
            _pending.Add(++_lastCorrelationId, handler);
            return _lastCorrelationId;
        }
    }

    public void Attach(long id, IAttachment attachment) => _attachments[id] = attachment;

    public void Detach(long id) => _attachments.TryRemove(id, out _);

    /// <summary>Ends the connection for this reason, unless it has another already.</summary>
    public void End(CometException reason)
    {
        lock (_gate)
            _reason ??= reason;
        _ = _ending.CancelSoonAsync(_engine);
    }

    public async ValueTask DisposeAsync()
    {
        End(new CometException(ErrorCode.Closed, "The client is closed."));
        await _ended.Task;
    }

    public void BeginBurst() => Sender.Cork();

    public void EndBurst() => Sender.Uncork();

    public ValueTask WaitUntilReadyAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public void Handle(in RawFrame frame)
    {
        Volatile.Write(ref _hasReceived, 1);
        switch (frame.Type)
        {
            case FrameType.Deliver or FrameType.ConsumerClosed or FrameType.ConsumerProgress or FrameType.ProducerClosed
                or FrameType.ConsumerActivity or FrameType.LeaseLost:
                // All of them begin with the id, and readers skip what follows.
                var id = frame.Read<CloseConsumerFrame>(_codec).ConsumerId;
                if (_attachments.TryGetValue(id, out var attachment))
                    attachment.OnFrame(frame, _codec);
                break;
            case FrameType.TopicChanged:
                var changed = frame.Read<TopicChangedFrame>(_codec);
                TopicChanged?.Invoke(changed.Topic, changed.PartitionCount);
                break;
            case FrameType.Ping:
                Sender.Send(default(PongFrame), frame.CorrelationId);
                break;
            case FrameType.Goodbye:
                GoodbyeReceived?.Invoke();
                break;
            case FrameType.Error when frame.CorrelationId == 0:
                throw PendingAnswer<OkFrame>.ToException(frame.Read<ErrorFrame>(_codec));
            default:
                Answer(frame);
                break;
        }
    }

    private void Answer(in RawFrame frame)
    {
        IAnswerHandler? handler;
        lock (_gate)
            _pending.Remove(frame.CorrelationId, out handler);
        // An answer that nobody waits for any more (its deadline is over) is no fault.
        handler?.OnAnswer(frame, _codec);
    }

    private void Accept(in WelcomeFrame welcome, HeaderCodec codec)
    {
        _codec = codec;
        Sender.Codec = codec;
        Limits = new FrameLimits((int)Math.Clamp(welcome.MaxFrameLength, 64 * 1024, int.MaxValue / 2),
            FrameLimits.MaxAnswerHeaderLength);
    }

    private async Task ReceiveAsync()
    {
        CometException reason;
        try
        {
            if (await FrameReceiver.ReadPrefaceAsync(_transport.Input, RemoteAddress, isClient: false, _ending.Token))
                await FrameReceiver.RunAsync(_transport.Input, this, _ending.Token);
            reason = Lost("the broker closed it");
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            reason = Lost("it was closed");
        }
        catch (CometException e)
        {
            reason = e;
        }
        // A transport may throw anything when the peer goes away.
        catch (Exception e)
        {
            reason = Lost(e.Message, e);
        }
        await CloseAsync(reason);
    }

    private async Task CloseAsync(CometException reason)
    {
        IAnswerHandler[] waiting;
        lock (_gate)
        {
            _reason ??= reason;
            waiting = [.. _pending.Values];
            _pending.Clear();
        }
        if (_heartbeat is not null)
            await _heartbeat.DisposeAsync();
        foreach (var handler in waiting)
            handler.OnLost(_reason);
        try
        {
            await Sender.EndAsync().WaitAsync(s_endTimeout, _time);
        }
        catch (TimeoutException)
        {
            Sender.Abort(null);
        }
        await _transport.DisposeAsync();
        _ended.TrySetResult(_reason);
    }

    private void Heartbeat()
    {
        _silentIntervals = Interlocked.Exchange(ref _hasReceived, 0) != 0 ? 0 : _silentIntervals + 1;
        if (_silentIntervals >= MissedHeartbeats)
            End(new CometException(ErrorCode.HeartbeatTimeout,
                $"{RemoteAddress} sent nothing for {MissedHeartbeats} heartbeats of {Welcome.HeartbeatMilliseconds} ms."));
        else
            Sender.Send(default(PingFrame));
    }

    private CometException Lost(string why, Exception? cause = null) =>
        new(ErrorCode.ConnectionLost, $"The connection to {RemoteAddress} was lost: {why.TrimEnd('.')}.", cause);
}
