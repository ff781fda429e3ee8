using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Comet.Wire;

/// <summary>Encodes messages into one batch; they are encoded once, here. Reusable, not thread-safe.</summary>
/// <remarks>The payload is written by the caller into <see cref="Output"/> between <see cref="BeginRecord"/> and
/// <see cref="EndRecord"/>; <see cref="AbandonRecord"/> takes a begun record back, when a serializer throws.</remarks>
internal sealed class RecordBatchBuilder : IDisposable
{
    private readonly GrowableBuffer _buffer;
    private readonly int _initialCapacity;
    private readonly int _nameLength;
    private RecordBatchAttributes _attributes;
    private RecordBatchAttributes _openAttributes;
    private long _firstTimestamp;
    private int _recordStart = -1;

    /// <param name="producerName">Follows <see cref="Names"/>, so it is ASCII.</param>
    /// <param name="initialCapacity">The size to begin with, and to shrink back to after a larger batch.</param>
    public RecordBatchBuilder(string producerName, int initialCapacity)
    {
        _initialCapacity = initialCapacity;
        _buffer = new GrowableBuffer(initialCapacity);
        _buffer.GetSpan(RecordBatchHeader.Size)[..RecordBatchHeader.Size].Clear();
        _buffer.Advance(RecordBatchHeader.Size);
        var name = Encoding.ASCII.GetBytes(producerName);
        _nameLength = name.Length;
        _buffer.Write(name);
    }

    public int Count { get; private set; }

    /// <summary>The bytes of the batch so far.</summary>
    public int Length => _buffer.Length;

    /// <summary>Where the payload of the open record is written.</summary>
    public IBufferWriter<byte> Output => _buffer;

    /// <summary>Opens a record.</summary>
    /// <param name="timestamp">Microseconds since the Unix epoch.</param>
    /// <param name="key">The key, or null.</param>
    /// <param name="headers">The headers, or null.</param>
    /// <param name="deliverAt">Not to be delivered before, in microseconds since the Unix epoch; 0 for none.</param>
    public void BeginRecord(long timestamp, string? key, MessageHeaders? headers, long deliverAt)
    {
        if (_recordStart >= 0)
            throw new InvalidOperationException("A record is open already.");
        if (Count == 0)
            _firstTimestamp = timestamp;
        _recordStart = _buffer.Length;
        _openAttributes = _attributes;
        var flags = RecordFlags.None;
        var span = _buffer.GetSpan(4 + 1 + (2 * Varint.MaxLength));
        var at = 5;
        at += Varint.Write(span[at..], (ulong)Count);
        at += Varint.Write(span[at..], Varint.ZigZag(timestamp - _firstTimestamp));
        _buffer.Advance(at);
        if (key is not null)
        {
            flags |= RecordFlags.HasKey;
            _openAttributes |= RecordBatchAttributes.HasKeys;
            WriteKey(key);
        }
        if (deliverAt != 0)
        {
            flags |= RecordFlags.HasDeliverAt;
            _openAttributes |= RecordBatchAttributes.HasDelayed;
            WriteVarint(Varint.ZigZag(deliverAt - _firstTimestamp));
        }
        if (headers is { Count: > 0 })
        {
            flags |= RecordFlags.HasHeaders;
            WriteHeaders(headers);
        }
        OpenSpan(_recordStart)[4] = (byte)flags;
    }

    /// <summary>Closes the open record and returns its length in bytes.</summary>
    public int EndRecord()
    {
        var length = _buffer.Length - _recordStart;
        BinaryPrimitives.WriteUInt32LittleEndian(OpenSpan(_recordStart), (uint)(length - 4));
        _attributes = _openAttributes;
        _recordStart = -1;
        Count++;
        return length;
    }

    /// <summary>Takes the open record back, as if it had never been begun.</summary>
    public void AbandonRecord()
    {
        _buffer.Truncate(_recordStart);
        _recordStart = -1;
    }

    /// <summary>Completes the batch in place and returns its bytes, which are valid until <see cref="Reset"/>.</summary>
    public ReadOnlyMemory<byte> Complete(long baseSequence, CompressionType compression)
    {
        var recordsStart = RecordBatchHeader.Size + _nameLength;
        var recordsLength = _buffer.Length - recordsStart;
        if (compression != CompressionType.None)
            compression = BatchCompression.TryCompressInPlace(_buffer, recordsStart, compression);
        var header = new RecordBatchHeader
        {
            Length = _buffer.Length,
            Compression = compression,
            Attributes = _attributes,
            RecordCount = Count,
            LastOffsetDelta = Count - 1,
            FirstTimestamp = _firstTimestamp,
            BaseSequence = baseSequence,
            RecordsLength = recordsLength,
            ProducerNameLength = _nameLength,
        };
        var batch = OpenSpan(0);
        header.Write(batch);
        RecordBatch.WriteChecksum(batch);
        return _buffer.WrittenMemory;
    }

    /// <summary>Empties the builder for the next batch.</summary>
    public void Reset()
    {
        Count = 0;
        _recordStart = -1;
        _attributes = RecordBatchAttributes.None;
        if (_buffer.Capacity <= 2 * _initialCapacity)
        {
            _buffer.Truncate(RecordBatchHeader.Size + _nameLength);
            return;
        }
        var head = OpenSpan(0)[..(RecordBatchHeader.Size + _nameLength)].ToArray();
        _buffer.Reset(_initialCapacity);
        _buffer.Write(head);
    }

    public void Dispose() => _buffer.Dispose();

    private Span<byte> OpenSpan(int start) =>
        System.Runtime.InteropServices.MemoryMarshal.AsMemory(_buffer.WrittenMemory).Span[start..];

    private void WriteVarint(ulong value) => _buffer.Advance(Varint.Write(_buffer.GetSpan(Varint.MaxLength), value));

    private void WriteKey(string key)
    {
        var length = Encoding.UTF8.GetByteCount(key);
        WriteVarint((ulong)length);
        var span = _buffer.GetSpan(length);
        _buffer.Advance(Encoding.UTF8.GetBytes(key, span));
    }

    private void WriteHeaders(MessageHeaders headers)
    {
        var length = RecordHeaders.Measure(headers);
        WriteVarint((ulong)length);
        var span = _buffer.GetSpan(length + Varint.MaxLength);
        _buffer.Advance(RecordHeaders.Write(span, headers));
    }
}
