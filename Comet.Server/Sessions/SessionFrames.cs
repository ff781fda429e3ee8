using System.Buffers;
using Comet.Server.Broker;
using Comet.Server.Topics;
using Comet.Transport;
using Comet.Wire;

namespace Comet.Server.Sessions;

/// <summary>What a session does with each frame that a client sends.</summary>
internal sealed class SessionFrames : IFrameHandler
{
    private static readonly string? s_version = typeof(SessionFrames).Assembly.GetName().Version?.ToString(3);

    private readonly SessionPeer _peer;
    private readonly FrameSender _sender;
    private readonly TopicRegistry _topics;
    private readonly CometServerOptions _options;
    private readonly FrameLimits _openLimits;
    private readonly SessionTopics _topicFrames;
    private readonly SessionSchedules _scheduleFrames;
    private readonly LoneCommit _lone;
    private HeaderCodec _codec = HeaderCodec.MessagePack;
    private int _hasReceived;

    public SessionFrames(SessionPeer peer, FrameSender sender, TopicRegistry topics, CometServerOptions options, LoneCommit lone)
    {
        (_peer, _sender, _topics, _options, _lone) = (peer, sender, topics, options, lone);
        _openLimits = FrameLimits.For(options.MaxMessageLength);
        _topicFrames = new SessionTopics(peer, topics, options);
        _scheduleFrames = new SessionSchedules(peer, topics);
        Limits = FrameLimits.BeforeHandshake;
    }

    public FrameLimits Limits { get; private set; }

    /// <summary>Whether the handshake is done.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Whether the broker itself does not read at the moment, because it has not yet answered what it has: such a client is not
    /// silent.</summary>
    public bool IsHeld { get; private set; }

    public bool IsReady => _sender.IsBelowHold && _peer.HasRoom;

    /// <summary>Whether anything arrived since the last call.</summary>
    public bool TakeHasReceived() => Interlocked.Exchange(ref _hasReceived, 0) != 0;

    public void BeginBurst()
    {
        _sender.Cork();
        _lone.BeginBurst();
    }

    public void EndBurst()
    {
        _sender.Uncork();
        _lone.EndBurst();
    }

    public async ValueTask WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        await _sender.WaitForSpaceAsync(cancellationToken);
        IsHeld = true;
        await _peer.WaitForRoomAsync(cancellationToken);
        IsHeld = false;
    }

    public void Handle(in RawFrame frame)
    {
        Volatile.Write(ref _hasReceived, 1);
        try
        {
            if (IsOpen)
                HandleOpen(frame);
            else
                HandleHello(frame);
        }
        catch (CometException e) when (!EndsConnection(e.Code))
        {
            _sender.Send(new ErrorFrame(e.Code, e.Message, null), frame.CorrelationId);
        }
        catch (CometException e) when (frame.CorrelationId != 0)
        {
            _sender.Send(new ErrorFrame(e.Code, e.Message, null), frame.CorrelationId);
            throw;
        }
    }

    private static bool EndsConnection(ErrorCode code) => code is
        ErrorCode.ProtocolViolation or ErrorCode.FrameTooLarge or ErrorCode.UnsupportedVersion or ErrorCode.UnsupportedCodec
        or ErrorCode.CorruptBatch or ErrorCode.UnsupportedCompression or ErrorCode.UnexpectedHandshake or ErrorCode.NotComet;

    private void HandleHello(in RawFrame frame)
    {
        if (frame.Type != FrameType.Hello)
            throw new CometException(ErrorCode.UnexpectedHandshake, $"The first frame must be Hello, not {Describe(frame.Type)}.");
        var hello = frame.Read<HelloFrame>(HeaderCodec.MessagePack);
        if (hello.MinVersion > ProtocolVersion.Max || hello.MaxVersion < ProtocolVersion.Min)
        {
            throw new CometException(
                ErrorCode.UnsupportedVersion, $"The client speaks the protocol versions {hello.MinVersion} to {hello.MaxVersion}, the "
                    + $"broker {ProtocolVersion.Min} to {ProtocolVersion.Max}: update one of them.");
        }
        var codec = FindCodec(hello.Codec);
        var welcome = new WelcomeFrame(
            Math.Min(hello.MaxVersion, ProtocolVersion.Max), _options.NodeId, _options.MaxMessageLength, _openLimits.MaxFrameLength,
            (long)_options.HeartbeatInterval.TotalMilliseconds, s_version, []);
        _sender.Send(welcome, frame.CorrelationId);
        _codec = codec;
        _sender.Codec = codec;
        Limits = _openLimits;
        IsOpen = true;
    }

    private HeaderCodec FindCodec(string name)
    {
        var codecs = _options.HeaderCodecs.Prepend(HeaderCodec.Json).Prepend(HeaderCodec.MessagePack).ToArray();
        return codecs.FirstOrDefault(c => string.Equals(c.Name, name, StringComparison.Ordinal)) ?? throw new CometException(
            ErrorCode.UnsupportedCodec, $"The broker has no header codec of that name; it has {string.Join(", ",
                codecs.Select(static c => c.Name))}.");
    }

    private void HandleOpen(in RawFrame frame)
    {
        switch (frame.Type)
        {
            case FrameType.Publish:
                Publish(frame);
                break;
            case FrameType.Ack:
                Ack(frame);
                break;
            case FrameType.Permits:
                Permits(frame.Read<PermitsFrame>(_codec));
                break;
            case FrameType.Nack:
                Nack(frame);
                break;
            case FrameType.ExtendLease:
                var extend = frame.Read<ExtendLeaseFrame>(_codec);
                Post(CommandKind.ExtendLease, new(extend.ConsumerId, extend.Ranges, extend.DeliveryCount), frame.CorrelationId, null);
                break;
            case FrameType.DeadLetter:
                var letter = frame.Read<DeadLetterFrame>(_codec);
                Post(CommandKind.GiveUp, new(letter.ConsumerId, letter.Ranges, letter.DeliveryCount), frame.CorrelationId, letter.Reason);
                break;
            case FrameType.Ping:
                _sender.Send(default(PongFrame), frame.CorrelationId);
                break;
            case FrameType.Pong or FrameType.Goodbye:
                break;
            case FrameType.CreateProducer:
                CreateProducer(frame.Read<CreateProducerFrame>(_codec), RequireCorrelation(frame));
                break;
            case FrameType.CloseProducer:
                CloseProducer(frame.Read<CloseProducerFrame>(_codec), frame.CorrelationId);
                break;
            case FrameType.Subscribe:
                Subscribe(frame.Read<SubscribeFrame>(_codec), RequireCorrelation(frame));
                break;
            case FrameType.CloseConsumer:
                CloseConsumer(frame.Read<CloseConsumerFrame>(_codec), frame.CorrelationId);
                break;
            case FrameType.Hello:
                throw new CometException(ErrorCode.UnexpectedHandshake, "The handshake is done; a second Hello has no place.");
            default:
                if (!_topicFrames.TryHandle(frame, _codec) && !_scheduleFrames.TryHandle(frame, _codec))
                    throw new CometException(ErrorCode.ProtocolViolation, $"A client does not send {Describe(frame.Type)}.");
                break;
        }
    }

    private void Publish(in RawFrame frame)
    {
        var correlationId = RequireCorrelation(frame);
        var (id, follows) = frame.Read<PublishFrame>(_codec);
        var producer = _peer.FindProducer(id)
            ?? throw new CometException(ErrorCode.ProducerNotFound, $"This connection has no producer {id} (any more); attach it again.");
        var payload = frame.Payload;
        if (payload.IsSingleSegment)
        {
            Publish(producer, correlationId, payload.First, follows);
            return;
        }
        var joined = ArrayPool<byte>.Shared.Rent((int)payload.Length);
        try
        {
            payload.CopyTo(joined);
            Publish(producer, correlationId, joined.AsMemory(0, (int)payload.Length), follows);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(joined);
        }
    }

    private void Publish(Producer producer, ulong correlationId, ReadOnlyMemory<byte> batch, long follows)
    {
        var header = PublishCheck.Check(batch.Span, producer.Name, _options.MaxMessageLength, _openLimits.MaxFrameLength);
        _peer.PublishReceived(batch.Length);
        producer.Partition!.Post(new(CommandKind.Publish)
        {
            Producer = producer,
            CorrelationId = correlationId,
            Batch = batch,
            Header = header,
            Number = follows,
        });
    }

    private void Permits(in PermitsFrame permits)
    {
        // Permits for a consumer that has just been closed by the broker cross its notice; they are no fault.
        if (_peer.FindConsumer(permits.ConsumerId) is not { } consumer)
            return;
        if (permits is { Messages: 0, Bytes: 0 })
            consumer.Partition!.Post(new(CommandKind.ReportProgress) { Consumer = consumer });
        else
            consumer.Partition!.Post(new(CommandKind.Permits) { Consumer = consumer, Number = permits.Messages, Bytes = permits.Bytes });
    }

    private void Ack(in RawFrame frame)
    {
        var ack = frame.Read<AckFrame>(_codec);
        if (FindConsumer(ack.ConsumerId, frame.CorrelationId) is { } consumer)
        {
            consumer.Partition!.Post(new(CommandKind.Ack)
            {
                Consumer = consumer, CorrelationId = frame.CorrelationId, Cumulative = ack.Cumulative, Ranges = RequirePairs(ack.Ranges),
            });
        }
    }

    private void Nack(in RawFrame frame)
    {
        var nack = frame.Read<NackFrame>(_codec);
        if (nack.DelayMilliseconds is < NackFrame.DelayByPolicy or > MaxNackDelayMilliseconds)
            throw new CometException(ErrorCode.InvalidArgument,
                $"A nack's delay is 0 to {MaxNackDelayMilliseconds} ms, not {nack.DelayMilliseconds}.");
        var delay = nack.DelayMilliseconds == NackFrame.DelayByPolicy ? GiveBackCause.ByPolicy : nack.DelayMilliseconds * 1000;
        Post(CommandKind.Nack, new(nack.ConsumerId, nack.Ranges, nack.DeliveryCount), frame.CorrelationId, nack.Reason, delay);
    }

    private void Post(CommandKind kind, in Deliveries named, ulong correlationId, string? reason, long delay = 0)
    {
        if (FindConsumer(named.ConsumerId, correlationId) is { } consumer)
        {
            consumer.Partition!.Post(new(kind)
            {
                Consumer = consumer, CorrelationId = correlationId, Number = delay, Ranges = RequirePairs(named.Ranges),
                DeliveryCount = Math.Max(named.DeliveryCount, 0), Detail = reason,
            });
        }
    }

    // A year: longer than anybody waits, and far from overflow.
    private const long MaxNackDelayMilliseconds = 366L * 24 * 3600 * 1000;

    /// <summary>The consumer; null when it is gone and no answer is wanted.</summary>
    private Consumer? FindConsumer(long id, ulong correlationId)
    {
        var consumer = _peer.FindConsumer(id);
        return consumer is not null || correlationId == 0
            ? consumer
            : throw new CometException(ErrorCode.ConsumerNotFound, $"This connection has no consumer {id} (any more); attach it again.");
    }

    private void CreateProducer(in CreateProducerFrame request, ulong correlationId)
    {
        var topic = _topics.Get(request.Topic, createIfMissing: true);
        var partition = SessionTopics.FindPartition(topic, request.Partition);
        var durability = _topics.Resolve(request.Durability);
        var producer = _peer.AddProducer(
            Names.Require(request.ProducerName, "producer"), request.AccessMode, partition, durability);
        partition.Post(new(CommandKind.AttachProducer) { Producer = producer, CorrelationId = correlationId });
    }

    private void CloseProducer(in CloseProducerFrame request, ulong correlationId)
    {
        if (_peer.FindProducer(request.ProducerId) is { } producer)
            producer.Partition!.Post(new(CommandKind.DetachProducer) { Producer = producer, CorrelationId = correlationId });
        else
            _peer.Confirm(correlationId);
    }

    private void Subscribe(in SubscribeFrame request, ulong correlationId)
    {
        var partition = FindPartition(request.Topic, request.Partition);
        var attach = SubscribeCheck.Check(request);
        var consumer = _peer.AddConsumer(Names.Require(request.ConsumerName, "consumer"), request.PriorityLevel, partition);
        partition.Post(new(CommandKind.AttachConsumer) { Consumer = consumer, CorrelationId = correlationId, Detail = attach });
    }

    private void CloseConsumer(in CloseConsumerFrame request, ulong correlationId)
    {
        if (_peer.FindConsumer(request.ConsumerId) is { } consumer)
            consumer.Partition!.Post(new(CommandKind.DetachConsumer) { Consumer = consumer, CorrelationId = correlationId });
        else
            _peer.Confirm(correlationId);
    }

    private PartitionActor FindPartition(string topicName, int number) =>
        SessionTopics.FindPartition(_topics.Get(topicName, createIfMissing: true), number);

    public static ulong RequireCorrelation(in RawFrame frame) => frame.CorrelationId != 0
        ? frame.CorrelationId
        : throw new CometException(ErrorCode.ProtocolViolation, $"{frame.Type} needs a correlation id: its answer matters.");

    private static long[] RequirePairs(long[] ranges)
    {
        for (var i = 0; i < ranges.Length; i += 2)
        {
            if (i + 1 == ranges.Length || ranges[i] < 0 || ranges[i + 1] < ranges[i] || ranges[i + 1] == long.MaxValue)
                throw new CometException(ErrorCode.ProtocolViolation, "Ranges are pairs of a first and a last offset, from 0 up.");
        }
        return ranges;
    }

    private readonly record struct Deliveries(long ConsumerId, long[] Ranges, int DeliveryCount);

    private static string Describe(FrameType type) => Enum.IsDefined(type) ? type.ToString() : $"a frame of the unknown type {(int)type}";
}
