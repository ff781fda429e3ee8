using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>Gives the bytes of a stretch of a stored batch: the batch as it is when all of it is wanted, otherwise a cut one. A
/// compressed batch is restored once and kept, since what follows is usually the next stretch of it.</summary>
internal sealed class BatchCutter(int maxRecordsLength) : IDisposable
{
    private const int InitialBuffer = 4 * 1024;
    private const int KeepBuffer = 256 * 1024;

    private readonly GrowableBuffer _cut = new(InitialBuffer);
    private ReadOnlyMemory<byte> _records;
    private ReadOnlyMemory<byte> _restored;
    private long _restoredOffset = -1;
    private long _walkedOffset = -1;
    private int _walkedDelta;
    private int _walkedPosition;

    /// <summary>The records of the batch that was opened last, uncompressed.</summary>
    public ReadOnlySpan<byte> Records => _records.Span;

    /// <summary>The bytes are valid until the next call, and no longer than the batch.</summary>
    public ReadOnlyMemory<byte> Cut(in StoredBatch batch, OffsetRange range)
    {
        if (range.First == batch.BaseOffset && range.Last == batch.LastOffset)
            return batch.Bytes;
        var (start, end) = Find(batch, range);
        _cut.Reset(KeepBuffer);
        RecordBatchCutter.Append(_cut, batch.Bytes.Span, batch.Header, Records[start..end], (int)range.Count);
        return _cut.WrittenMemory;
    }

    /// <summary>Opens a batch to walk over its records, at an offset or somewhere before it. Goes on where the last walk over the same
    /// batch ended, so that a batch that leaves in small pieces is walked once and not once for each piece.</summary>
    public RecordReader OpenAt(in StoredBatch batch, long offset)
    {
        _records = Restore(batch);
        var reader = new RecordReader(_records.Span, batch.Header);
        if (_walkedOffset == batch.BaseOffset && _walkedDelta <= offset - batch.BaseOffset)
            reader.SeekTo(_walkedPosition, _walkedDelta - 1);
        return reader;
    }

    /// <summary>Tells how far a walk has come: the last offset and where the record behind it begins.</summary>
    public void Walked(in StoredBatch batch, long last, int position) =>
        (_walkedOffset, _walkedDelta, _walkedPosition) = (batch.BaseOffset, (int)(last - batch.BaseOffset) + 1, position);

    public void Dispose() => _cut.Dispose();

    private ReadOnlyMemory<byte> Restore(in StoredBatch batch)
    {
        if (batch.Header.Compression == CompressionType.None)
            return RecordBatch.GetRecords(batch.Bytes, batch.Header, maxRecordsLength);
        if (_restoredOffset != batch.BaseOffset)
        {
            _restored = RecordBatch.GetRecords(batch.Bytes, batch.Header, maxRecordsLength);
            _restoredOffset = batch.BaseOffset;
        }
        return _restored;
    }

    /// <summary>Where the records of a range begin and end.</summary>
    private (int Start, int End) Find(in StoredBatch batch, OffsetRange range)
    {
        var reader = OpenAt(batch, range.First);
        var start = -1;
        while (reader.TrySkip(out var position, out var length, out var delta))
        {
            if (batch.BaseOffset + delta == range.First)
                start = position;
            if (batch.BaseOffset + delta < range.Last)
                continue;
            Walked(batch, range.Last, position + length);
            return (start, position + length);
        }
        throw RecordBatchHeader.Corrupt($"it has no records {range.First - batch.BaseOffset} to {range.Last - batch.BaseOffset}");
    }
}
