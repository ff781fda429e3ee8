using System.Buffers;
using System.Buffers.Binary;
using Comet.Transport;
using Comet.Wire;

namespace Comet.Server.Tests.Allocation;

/// <summary>A whole broker between two pipes, with a client that allocates nothing itself. What is left is what pipes and the thread pool
/// take for each hop from thread to thread: so much a read or write, not a message.</summary>
[Collection(nameof(AllocationTests))]
public sealed class BrokerAllocationTests(ITestOutputHelper output)
{
    private const int PerBatch = 100;
    private const int Batches = 3000;

    [Theory]
    // One batch on its way: each batch wakes both sides. About 185 bytes a batch were measured.
    [InlineData(1, 400)]
    // Sixteen on their way share the wake-ups: about 12 bytes a batch, an eighth of a byte a message, were measured.
    [InlineData(16, 40)]
    public async Task What_is_allocated_is_for_wake_ups_and_not_for_messages(int window, int ceiling)
    {
        await using var broker = new CometBroker(new CometServerOptions { MemoryLimit = 16 << 20, DrainTimeout = TimeSpan.Zero });
        var (client, server) = InMemoryConnection.CreatePair();
        var served = broker.ServeAsync(server);
        var run = new Run(client);
        await run.OpenAsync();
        await run.ExchangeAsync(Batches, window);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        await run.ExchangeAsync(Batches, window);
        var perBatch = (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Batches;
        output.WriteLine($"window {window}: {perBatch:0.0} bytes a batch, {perBatch / PerBatch:0.000} bytes a message");
        Assert.True(perBatch <= ceiling, $"{perBatch:0.0} bytes a batch of {PerBatch} messages.");
        await client.DisposeAsync();
        await served.WaitAsync(TimeSpan.FromSeconds(15));
    }

    private sealed class Run(InMemoryConnection connection)
    {
        private readonly FrameEncoder _encoder = new();
        private readonly GrowableBuffer _buffer = new(1 << 20);
        private readonly byte[] _batch = Broker.Batches.Make("p", 0, PerBatch, 100);
        private readonly long[] _range = new long[2];
        private bool _hasPreface;
        private long _sequence;
        private long _delivered;
        private long _published;
        private long _producer;
        private long _consumer;

        public async Task OpenAsync()
        {
            _buffer.Write(Preface.Bytes);
            Encode(new HelloFrame(1, 1, "msgpack", null, null, [], 0), 1);
            Encode(new CreateProducerFrame("t", 0, "p", ProducerAccessMode.Shared, Durability.Memory), 2);
            Encode(new SubscribeFrame("t", 0, "s", SubscriptionType.Exclusive, true, "c", 1, 0, 0), 3);
            await FlushAsync();
            while (_producer == 0 || _consumer == 0)
                await ReadAsync();
            Encode(new PermitsFrame(_consumer, 1L << 40, 1L << 40), 0);
            await FlushAsync();
        }

        public async Task ExchangeAsync(int batches, int window)
        {
            for (var i = 0; i < batches; i += window)
            {
                for (var j = 0; j < window; j++)
                    Publish();
                await FlushAsync();
                while (_delivered < _sequence || _published < _sequence)
                    await ReadAsync();
                (_range[0], _range[1]) = (0, _sequence - 1);
                Encode(new AckFrame(_consumer, false, _range), 0);
            }
            await FlushAsync();
        }

        private void Publish()
        {
            BinaryPrimitives.WriteInt64LittleEndian(_batch.AsSpan(56), _sequence);
            RecordBatch.WriteChecksum(_batch);
            _sequence += PerBatch;
            Encode(new PublishFrame(_producer), 9, _batch);
        }

        private void Encode<TFrame>(in TFrame frame, ulong correlationId, ReadOnlyMemory<byte> payload = default)
            where TFrame : struct, IFrame<TFrame> =>
            _encoder.Encode(_buffer, HeaderCodec.MessagePack, frame, correlationId, new ReadOnlySequence<byte>(payload));

        private async ValueTask FlushAsync()
        {
            await connection.Output.WriteAsync(_buffer.WrittenMemory);
            _buffer.Truncate(0);
        }

        private async ValueTask ReadAsync()
        {
            var result = await connection.Input.ReadAsync();
            Assert.False(result.IsCompleted);
            var rest = Take(result.Buffer);
            connection.Input.AdvanceTo(rest.Start, rest.End);
        }

        private ReadOnlySequence<byte> Take(ReadOnlySequence<byte> buffer)
        {
            if (!_hasPreface && buffer.Length >= Preface.Length)
            {
                buffer = buffer.Slice(Preface.Length);
                _hasPreface = true;
            }
            while (_hasPreface && FrameDecoder.TryRead(ref buffer, FrameLimits.For(1 << 20), out var frame))
                Take(frame);
            return buffer;
        }

        private void Take(in RawFrame frame)
        {
            switch (frame.Type)
            {
                case FrameType.Deliver:
                    Span<byte> count = stackalloc byte[4];
                    frame.Payload.Slice(40, 4).CopyTo(count);
                    _delivered += BinaryPrimitives.ReadInt32LittleEndian(count);
                    break;
                case FrameType.Published:
                    _published += frame.Read<PublishedFrame>(HeaderCodec.MessagePack).Count;
                    break;
                case FrameType.ProducerReady:
                    _producer = frame.Read<ProducerReadyFrame>(HeaderCodec.MessagePack).ProducerId;
                    break;
                case FrameType.Subscribed:
                    _consumer = frame.Read<SubscribedFrame>(HeaderCodec.MessagePack).ConsumerId;
                    break;
                default:
                    Assert.NotEqual(FrameType.Error, frame.Type);
                    break;
            }
        }
    }
}
