using System.Buffers;
using Comet.Server.Tests.Broker;
using Comet.Transport;
using Comet.Wire;

namespace Comet.Server.Tests.Sessions;

/// <summary>A frame as it was received, copied.</summary>
internal sealed record Received(FrameType Type, ulong CorrelationId, byte[] Header, byte[] Payload)
{
    public TFrame Read<TFrame>(HeaderCodec? codec = null)
        where TFrame : struct, IFrame<TFrame>
    {
        Assert.Equal(TFrame.Type, Type);
        return (codec ?? HeaderCodec.MessagePack).Read<TFrame>(new ReadOnlySequence<byte>(Header));
    }

    public override string ToString() => Type == FrameType.Error ? Read<ErrorFrame>().ToString() : $"{Type} {CorrelationId}";
}

/// <summary>A client that is nothing but frames: it can send what no honest client would.</summary>
internal sealed class RawClient : IAsyncDisposable
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    // It takes whatever a broker may send.
    private static readonly FrameLimits s_limits = new(1 << 30, 1 << 20);

    private readonly InMemoryConnection _connection;
    private readonly FrameEncoder _encoder = new();
    private readonly HeaderCodec _codec;
    private readonly List<Received> _received = [];
    private ulong _lastCorrelationId;
    private bool _hasPreface;

    private RawClient(CometBroker broker, HeaderCodec? codec, CancellationToken serving)
    {
        (_connection, var server) = InMemoryConnection.CreatePair();
        _codec = codec ?? HeaderCodec.MessagePack;
        Served = broker.ServeAsync(server, serving);
    }

    /// <summary>Completes when the broker has let go of the connection.</summary>
    public Task Served { get; }

    /// <summary>Opens a connection and sends nothing.</summary>
    public static RawClient Open(CometBroker broker, HeaderCodec? codec = null, CancellationToken serving = default) =>
        new(broker, codec, serving);

    /// <summary>Opens a connection and does the handshake.</summary>
    public static async Task<RawClient> ConnectAsync(CometBroker broker, HeaderCodec? codec = null)
    {
        var client = new RawClient(broker, codec, default);
        await client.SendAsync(Preface.Bytes.ToArray());
        await client.SendHelloAsync(client._codec.Name);
        (await client.NextAsync()).Read<WelcomeFrame>();
        return client;
    }

    public Task SendHelloAsync(string codec = "msgpack", int minVersion = 1, int maxVersion = 1) =>
        SendWithAsync(HeaderCodec.MessagePack, new HelloFrame(minVersion, maxVersion, codec, "raw", null, [], 0), 1, default);

    public async Task SendAsync(ReadOnlyMemory<byte> bytes) => await _connection.Output.WriteAsync(bytes).AsTask().WaitAsync(Deadline);

    public Task SendAsync<TFrame>(TFrame frame, ulong correlationId = 0, ReadOnlyMemory<byte> payload = default)
        where TFrame : struct, IFrame<TFrame> => SendWithAsync(_codec, frame, correlationId, payload);

    /// <summary>Sends a request and returns the frame that answers it; what comes before is kept for <see cref="NextAsync"/>.</summary>
    public async Task<Received> AskAsync<TFrame>(TFrame frame, ReadOnlyMemory<byte> payload = default)
        where TFrame : struct, IFrame<TFrame>
    {
        var correlationId = ++_lastCorrelationId + 1000;
        await SendAsync(frame, correlationId, payload);
        return await AnswerAsync(correlationId);
    }

    /// <summary>Sends a request that must be refused.</summary>
    public async Task<ErrorCode> AskRefusedAsync<TFrame>(TFrame frame, ReadOnlyMemory<byte> payload = default)
        where TFrame : struct, IFrame<TFrame>
    {
        var error = (await AskAsync(frame, payload)).Read<ErrorFrame>(_codec);
        Assert.EndsWith(".", error.Message);
        return error.Code;
    }

    public async Task<Received> AnswerAsync(ulong correlationId)
    {
        for (var i = 0; ; i++)
        {
            while (i == _received.Count)
                Assert.True(await ReadMoreAsync(), "The broker has ended the connection.");
            if (_received[i].CorrelationId != correlationId)
                continue;
            var answer = _received[i];
            _received.RemoveAt(i);
            return answer;
        }
    }

    /// <summary>The next frame that is no heartbeat.</summary>
    public async Task<Received> NextAsync()
    {
        while (true)
        {
            var frame = await NextOrEndAsync() ?? throw new InvalidOperationException("The broker has ended the connection.");
            if (frame.Type is not (FrameType.Ping or FrameType.ConsumerProgress))
                return frame;
        }
    }

    /// <summary>The next frame; null when the broker has ended the connection.</summary>
    public async Task<Received?> NextOrEndAsync()
    {
        while (_received.Count == 0)
        {
            if (!await ReadMoreAsync())
                return null;
        }
        var first = _received[0];
        _received.RemoveAt(0);
        return first;
    }

    /// <summary>Reads until the broker ends the connection, and returns the reason that it gave last.</summary>
    public async Task<ErrorCode> EndAsync()
    {
        var last = default(Received);
        while (await NextOrEndAsync() is { } frame)
            last = frame;
        await Served.WaitAsync(Deadline);
        if (last is null || last.Type != FrameType.Error)
            return ErrorCode.None;
        var error = last.Read<ErrorFrame>(_codec);
        Assert.EndsWith(".", error.Message);
        return error.Code;
    }

    public async Task<long> CreateProducerAsync(string topic, string name = "p", ProducerAccessMode mode = ProducerAccessMode.Shared) =>
        (await AskAsync(new CreateProducerFrame(topic, 0, name, mode, Durability.Memory))).Read<ProducerReadyFrame>(_codec).ProducerId;

    public async Task<PublishedFrame> PublishAsync(long producer, long baseSequence, int count, string name = "p", int padding = 0) =>
        (await AskAsync(new PublishFrame(producer), Batches.Make(name, baseSequence, count, padding))).Read<PublishedFrame>(_codec);

    public async Task<SubscribedFrame> SubscribeAsync(SubscribeFrame frame) => (await AskAsync(frame)).Read<SubscribedFrame>(_codec);

    /// <summary>Reads deliveries until so many messages have come.</summary>
    public async Task<List<(long Offset, int Count)>> ReceiveAsync(long consumer, int messages)
    {
        var received = new List<(long, int)>();
        while (received.Count < messages)
        {
            var frame = await NextAsync();
            var deliver = frame.Read<DeliverFrame>(_codec);
            Assert.Equal(consumer, deliver.ConsumerId);
            received.AddRange(Batches.Read(frame.Payload).Select(m => (m.Offset, deliver.DeliveryCount)));
        }
        Assert.Equal(messages, received.Count);
        return received;
    }

    /// <summary>The bytes of a frame, with one of them changed; with none for a negative position.</summary>
    public byte[] EncodeDamaged(Action<Encoder> encode, int at, byte value)
    {
        using var buffer = new GrowableBuffer(1024);
        encode(new Encoder(this, buffer));
        var bytes = buffer.WrittenSpan.ToArray();
        if (at >= 0)
            bytes[at % bytes.Length] = value;
        return bytes;
    }

    /// <summary>Tells the broker that nothing more comes, as a client does that closes its side.</summary>
    public void EndSending() => _connection.Output.Complete();

    /// <summary>Reads to the end: the reason for it that the broker gave, and whether a request was answered before.</summary>
    public async Task<(ErrorCode Reason, bool IsAnswered)> OutcomeAsync(ulong correlationId)
    {
        var (reason, isAnswered) = (ErrorCode.None, false);
        while (await NextOrEndAsync() is { } frame)
        {
            isAnswered |= frame.CorrelationId == correlationId;
            if (frame is not { Type: FrameType.Error, CorrelationId: 0 })
                continue;
            var error = frame.Read<ErrorFrame>(_codec);
            (reason, LastMessage) = (error.Code, error.Message);
        }
        await Served.WaitAsync(Deadline);
        return (reason, isAnswered);
    }

    /// <summary>What the broker said of the end in <see cref="OutcomeAsync"/>.</summary>
    public string? LastMessage { get; private set; }

    /// <summary>Everything that was sent before is handled when this returns, and what it brought is received.</summary>
    public async Task SettleAsync() => Assert.Equal(FrameType.Pong, (await AskAsync(default(PingFrame))).Type);

    /// <summary>Frames that have been received and not read.</summary>
    public IReadOnlyCollection<Received> Pending => _received;

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private async Task SendWithAsync<TFrame>(HeaderCodec codec, TFrame frame, ulong correlationId, ReadOnlyMemory<byte> payload)
        where TFrame : struct, IFrame<TFrame>
    {
        using var buffer = new GrowableBuffer(1024);
        _encoder.Encode(buffer, codec, frame, correlationId, new ReadOnlySequence<byte>(payload));
        await SendAsync(buffer.WrittenMemory);
    }

    /// <summary>Reads what has come; false when nothing more will.</summary>
    private async Task<bool> ReadMoreAsync()
    {
        var result = await _connection.Input.ReadAsync().AsTask().WaitAsync(Deadline);
        var known = _received.Count;
        var rest = Keep(result.Buffer);
        _connection.Input.AdvanceTo(rest.Start, rest.End);
        return !result.IsCompleted || _received.Count > known;
    }

    private ReadOnlySequence<byte> Keep(ReadOnlySequence<byte> buffer)
    {
        // The broker's preface comes with its first frame.
        if (!_hasPreface && buffer.Length >= Preface.Length)
        {
            Assert.Equal(Preface.Bytes.ToArray(), buffer.Slice(0, Preface.Length).ToArray());
            buffer = buffer.Slice(Preface.Length);
            _hasPreface = true;
        }
        while (_hasPreface && FrameDecoder.TryRead(ref buffer, s_limits, out var frame))
            _received.Add(new Received(frame.Type, frame.CorrelationId, frame.Header.ToArray(), frame.Payload.ToArray()));
        return buffer;
    }

    /// <summary>Frames on their way to be damaged.</summary>
    public sealed class Encoder(RawClient client, GrowableBuffer buffer)
    {
        public void Add<TFrame>(TFrame frame, ulong correlationId, byte[]? payload = null)
            where TFrame : struct, IFrame<TFrame> =>
            client._encoder.Encode(buffer, client._codec, frame, correlationId, new ReadOnlySequence<byte>(payload ?? []));
    }
}
