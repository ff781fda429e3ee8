using System.Buffers;
using BenchmarkDotNet.Attributes;
using Comet.Wire;

namespace Comet.Benchmarks.Protocol;

/// <summary>What each message pays on its way through a batch. Figures are per message.</summary>
[MemoryDiagnoser]
public class RecordBatchBenchmarks
{
    private const int MessagesPerBatch = 500;

    private readonly RecordBatchBuilder _builder = new("benchmark", 1024 * 1024);
    private readonly GrowableBuffer _cut = new(1024 * 1024);
    private byte[] _payload = [];
    private byte[] _batch = [];
    private RecordBatchHeader _header;

    [Params(100, 1024)]
    public int PayloadSize { get; set; }

    [Params(CompressionType.None, CompressionType.Lz4, CompressionType.Snappy)]
    public CompressionType Compression { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        // Half random, half constant: compressible to about a half, as much real data is.
        _payload = new byte[PayloadSize];
        new Random(1).NextBytes(_payload.AsSpan(0, PayloadSize / 2));
        Fill();
        _batch = _builder.Complete(0, Compression).ToArray();
        _header = RecordBatch.Open(_batch);
    }

    [Benchmark(OperationsPerInvoke = MessagesPerBatch)]
    public int Encode()
    {
        Fill();
        return _builder.Complete(0, Compression).Length;
    }

    private void Fill()
    {
        _builder.Reset();
        for (var i = 0; i < MessagesPerBatch; i++)
        {
            _builder.BeginRecord(1_000_000 + i, null, null, 0);
            _builder.Output.Write(_payload);
            _builder.EndRecord();
        }
    }

    [Benchmark(OperationsPerInvoke = MessagesPerBatch)]
    public long CheckAsTheBrokerDoes()
    {
        var header = RecordBatch.Open(_batch);
        if (header.Compression == CompressionType.None)
            RecordBatch.CheckRecords(_batch.AsSpan(header.RecordsStart), header);
        return header.LastOffset;
    }

    [Benchmark(OperationsPerInvoke = MessagesPerBatch)]
    public int DecodeAsTheConsumerDoes()
    {
        var header = RecordBatch.Open(_batch);
        var reader = new RecordReader(RecordBatch.GetRecords(_batch, header, int.MaxValue).Span, header);
        var bytes = 0;
        while (reader.TryRead(out var record))
            bytes += record.Payload.Length;
        return bytes;
    }

    /// <summary>A tenth of the batch, as a consumer with few permits makes the broker cut it. Per message of the tenth.</summary>
    [Benchmark(OperationsPerInvoke = MessagesPerBatch / 10)]
    public int CutATenth()
    {
        _cut.Truncate(0);
        var records = RecordBatch.GetRecords(_batch, _header, int.MaxValue).Span;
        var reader = new RecordReader(records, _header);
        var end = 0;
        for (var i = 0; i < MessagesPerBatch / 10 && reader.TrySkip(out var position, out var length, out _); i++)
            end = position + length;
        RecordBatchCutter.Append(_cut, _batch, _header, records[..end], MessagesPerBatch / 10);
        return _cut.Length;
    }
}
