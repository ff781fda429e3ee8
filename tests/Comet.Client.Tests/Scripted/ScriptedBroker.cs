using System.Buffers;
using System.Collections.Concurrent;
using System.Threading.Channels;
using Comet.Transport;
using Comet.Wire;

namespace Comet.Client.Tests.Scripted;

/// <summary>A broker that is played by a test: it shakes hands, attaches whoever asks, and otherwise says what the test says.</summary>
internal sealed class ScriptedBroker : ICometTransport
{
    private readonly Channel<ScriptedSession> _sessions = Channel.CreateUnbounded<ScriptedSession>();

    /// <summary>Every connection that was opened, in order.</summary>
    public ChannelReader<ScriptedSession> Sessions => _sessions.Reader;

    public long HeartbeatMilliseconds { get; init; } = 1000;

    public int PartitionCount { get; init; } = 1;

    /// <summary>Whether frames are kept for a test to expect; a test that counts allocations has no use for them.</summary>
    public bool IsRecording { get; init; } = true;

    /// <summary>Whether requests, once open, are answered.</summary>
    public bool Answers { get; set; } = true;

    public ValueTask<ICometConnection> ConnectAsync(CometEndpoint endpoint, CancellationToken cancellationToken)
    {
        var (client, server) = InMemoryConnection.CreatePair();
        var session = new ScriptedSession(this, server);
        _ = session.RunAsync();
        _sessions.Writer.TryWrite(session);
        return new(client);
    }
}

/// <summary>A frame that a client has sent.</summary>
internal sealed record ReceivedFrame(FrameType Type, ulong CorrelationId, byte[] Header, byte[] Payload)
{
    public TFrame Read<TFrame>()
        where TFrame : struct, IFrame<TFrame> => HeaderCodec.MessagePack.Read<TFrame>(new ReadOnlySequence<byte>(Header));
}

/// <summary>One connection of a <see cref="ScriptedBroker"/>.</summary>
internal sealed class ScriptedSession(ScriptedBroker broker, ICometConnection connection) : IFrameHandler
{
    private readonly FrameSender _sender = new(connection.Output, HeaderCodec.MessagePack, int.MaxValue);
    private readonly ConcurrentDictionary<FrameType, Channel<ReceivedFrame>> _received = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _lastId;

    /// <summary>Completes when the client has gone.</summary>
    public Task Ended => _ended.Task;

    public FrameLimits Limits { get; } = FrameLimits.For(FrameLimits.DefaultMaxMessageLength);

    public void Send<TFrame>(TFrame frame, ulong correlationId = 0, byte[]? payload = null)
        where TFrame : struct, IFrame<TFrame> => _sender.Send(frame, correlationId, payload ?? []);

    /// <summary>The next frame of that type that the client sends.</summary>
    public async Task<ReceivedFrame> ExpectAsync(FrameType type)
    {
        try
        {
            return await Received(type).Reader.ReadAsync(TestContext.Current.CancellationToken);
        }
        catch (OperationCanceledException cancelled)
        {
            throw new TimeoutException($"The client sent no {type} that was not expected before.", cancelled);
        }
    }

    /// <summary>Whether another frame of that type has come that was not expected yet.</summary>
    public bool HasReceived(FrameType type) => Received(type).Reader.TryPeek(out _);

    /// <summary>Ends the connection behind what was sent.</summary>
    public Task HangUpAsync() => _sender.EndAsync().ContinueWith(
        _ => connection.Output.Complete(), TestContext.Current.CancellationToken, TaskContinuationOptions.None, TaskScheduler.Default);

    public async Task RunAsync()
    {
        _sender.SendPreface();
        if (await FrameReceiver.ReadPrefaceAsync(connection.Input, "client", isClient: true, CancellationToken.None))
            await FrameReceiver.RunAsync(connection.Input, this, CancellationToken.None);
        await _sender.EndAsync();
        await connection.DisposeAsync();
        _ended.TrySetResult();
    }

    public void BeginBurst()
    {
    }

    public void EndBurst()
    {
    }

    public ValueTask WaitUntilReadyAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public void Handle(in RawFrame frame)
    {
        var id = frame.CorrelationId;
        if (frame.Type == FrameType.Hello)
            Send(new WelcomeFrame(1, "scripted", FrameLimits.DefaultMaxMessageLength, Limits.MaxFrameLength, broker.HeartbeatMilliseconds,
                null, []), id);
        else if (broker.Answers)
            Answer(frame.Type, id);
        if (broker.IsRecording)
            Received(frame.Type).Writer.TryWrite(new ReceivedFrame(frame.Type, id, frame.Header.ToArray(), frame.Payload.ToArray()));
    }

    private Channel<ReceivedFrame> Received(FrameType type) =>
        _received.GetOrAdd(type, static _ => Channel.CreateUnbounded<ReceivedFrame>());

    private void Answer(FrameType type, ulong id)
    {
        switch (type)
        {
            case FrameType.LookupTopic:
                Send(new TopicLocationFrame("t", broker.PartitionCount, []), id);
                break;
            case FrameType.CreateProducer:
                Send(new ProducerReadyFrame(++_lastId, -1, 1), id);
                break;
            case FrameType.Subscribe:
                Send(new SubscribedFrame(++_lastId, 0, 1), id);
                break;
            case FrameType.Ping:
                Send(default(PongFrame), id);
                break;
            case FrameType.CloseProducer or FrameType.CloseConsumer or FrameType.Ack when id != 0:
                Send(default(OkFrame), id);
                break;
        }
    }
}

/// <summary>Batches as a broker delivers them.</summary>
internal static class ScriptedBatch
{
    public static byte[] Create(long baseOffset, params string[] values)
    {
        using var builder = new RecordBatchBuilder("producer", 1024);
        foreach (var value in values)
        {
            builder.BeginRecord(0, null, null, 0);
            MessageSerializer.Text.Serialize(value, builder.Output);
            builder.EndRecord();
        }
        var bytes = builder.Complete(0, CompressionType.None).ToArray();
        RecordBatch.Stamp(bytes, baseOffset, 1, 0);
        return bytes;
    }
}
