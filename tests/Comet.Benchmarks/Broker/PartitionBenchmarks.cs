using BenchmarkDotNet.Attributes;
using Comet.Server.Broker;
using Comet.Server.Storage;
using Comet.Server.Storage.Memory;
using Comet.Wire;

namespace Comet.Benchmarks.Broker;

/// <summary>What a message pays in the broker core: append, confirm, dispatch, ack. No sockets and no sessions; figures are per message,
/// and Allocated must be zero.</summary>
[MemoryDiagnoser]
public class PartitionBenchmarks
{
    private const int MessagesPerBatch = 100;
    private const long MemoryLimit = 64 * 1024 * 1024;

    private readonly NullPeer _peer = new();
    private readonly long[] _range = [0, 0];
    private Partition _partition = null!;
    private Producer _producer = null!;
    private Consumer _consumer = null!;
    private byte[] _batch = [];
    private RecordBatchHeader _header;
    private long _sequence;

    [Params(100, 1024)]
    public int PayloadSize { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        using var builder = new RecordBatchBuilder("p", 4096);
        for (var i = 0; i < MessagesPerBatch; i++)
        {
            builder.BeginRecord(1, null, null, 0);
            System.Buffers.BuffersExtensions.Write(builder.Output, new byte[PayloadSize]);
            builder.EndRecord();
        }
        _batch = builder.Complete(0, CompressionType.None).ToArray();
        _header = RecordBatch.Open(_batch);
        var log = new MemoryPartitionLog(new MemoryBudget(MemoryLimit), long.MaxValue);
        _partition = new Partition("t", 0, log, new FencingToken(1), new PartitionSettings());
        _producer = new Producer(_peer, 1, "p", ProducerAccessMode.Shared, null);
        _consumer = new Consumer(_peer, 2, "c", null);
        Do(new(CommandKind.AttachProducer) { Producer = _producer, CorrelationId = 1 });
        Do(new(CommandKind.AttachConsumer)
        {
            Consumer = _consumer, CorrelationId = 2,
                Detail = new AttachRequest("s", SubscriptionType.Exclusive, SubscriptionKind.Durable, StartPosition.Earliest),
        });
        // Until the log has been once around its memory, it grows.
        for (var bytes = 0L; bytes < 2 * MemoryLimit; bytes += _batch.Length)
            PublishDeliverAndAck();
    }

    [Benchmark(OperationsPerInvoke = MessagesPerBatch)]
    public void PublishDeliverAndAck()
    {
        Do(new(CommandKind.Permits) { Consumer = _consumer, Number = MessagesPerBatch, Bytes = 1024 * 1024 });
        Do(new(CommandKind.Publish)
        {
            Producer = _producer,
            CorrelationId = 3,
            Batch = _batch,
            Header = _header with { BaseSequence = _sequence }
        });
        (_range[0], _range[1]) = (_sequence, _sequence + MessagesPerBatch - 1);
        Do(new(CommandKind.Ack) { Consumer = _consumer, Ranges = _range });
        _sequence += MessagesPerBatch;
    }

    /// <summary>As a consumer with few permits has it: ten messages at a time, cut out of the batch.</summary>
    [Benchmark(OperationsPerInvoke = MessagesPerBatch)]
    public void PublishAndDeliverInTenths()
    {
        Do(new(CommandKind.Publish)
        {
            Producer = _producer,
            CorrelationId = 3,
            Batch = _batch,
            Header = _header with { BaseSequence = _sequence }
        });
        for (var i = 0; i < MessagesPerBatch; i += 10)
        {
            Do(new(CommandKind.Permits) { Consumer = _consumer, Number = 10, Bytes = 1024 * 1024 });
            (_range[0], _range[1]) = (_sequence + i, _sequence + i + 9);
            Do(new(CommandKind.Ack) { Consumer = _consumer, Ranges = _range });
        }
        _sequence += MessagesPerBatch;
    }

    private void Do(in PartitionCommand command)
    {
        _partition.Handle(command, 1);
        var committing = _partition.CommitAsync(CancellationToken.None);
        if (!committing.IsCompletedSuccessfully)
            throw new InvalidOperationException("The memory log commits at once.");
        _partition.Advance(1);
    }

    private sealed class NullPeer : IPeer
    {
        public bool HasSpace => true;

        public void Send<TFrame>(in TFrame frame, ulong correlationId = 0, ReadOnlyMemory<byte> payload = default)
            where TFrame : struct, IFrame<TFrame>
        {
            if (TFrame.Type == FrameType.Error)
                throw new InvalidOperationException("The partition refused what the benchmark asked for.");
        }

        public void PublishAnswered(int bytes)
        {
        }

        public void Forget(Producer producer)
        {
        }

        public void Forget(Consumer consumer)
        {
        }
    }
}
