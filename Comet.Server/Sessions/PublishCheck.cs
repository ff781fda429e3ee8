using System.Buffers;
using System.Text;
using Comet.Wire;

namespace Comet.Server.Sessions;

/// <summary>What a batch must pass before it is stored: afterwards every consumer can read it.</summary>
internal static class PublishCheck
{
    /// <summary>Checks a batch that a client has sent.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.CorruptBatch"/>, <see cref="ErrorCode.UnsupportedCompression"/> or
    /// <see cref="ErrorCode.MessageTooLarge"/>.</exception>
    public static RecordBatchHeader Check(ReadOnlySpan<byte> batch, string producerName, int maxMessageLength, int maxRecordsLength)
    {
        var header = RecordBatch.Open(batch);
        if (header.LastOffsetDelta != header.RecordCount - 1)
            throw RecordBatchHeader.Corrupt("a producer's batch has no gaps, and this one has");
        if (!Ascii.Equals(batch.Slice(RecordBatchHeader.Size, header.ProducerNameLength), producerName))
            throw RecordBatchHeader.Corrupt("it names another producer");
        if (header.Compression == CompressionType.None)
            CheckRecords(batch[header.RecordsStart..], header, maxMessageLength);
        else
            CheckCompressed(batch[header.RecordsStart..], header, maxMessageLength, maxRecordsLength);
        return header;
    }

    // The broker restores the batch to know that it can be restored; what is stored and delivered stays compressed.
    private static void CheckCompressed(ReadOnlySpan<byte> stored, in RecordBatchHeader header, int maxMessageLength, int maxRecordsLength)
    {
        RecordBatch.CheckRestoredLength(stored.Length, header, maxRecordsLength);
        var restored = ArrayPool<byte>.Shared.Rent(header.RecordsLength);
        try
        {
            var records = restored.AsSpan(0, header.RecordsLength);
            BatchCompression.Decompress(stored, records, header.Compression);
            CheckRecords(records, header, maxMessageLength);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(restored);
        }
    }

    private static void CheckRecords(ReadOnlySpan<byte> records, in RecordBatchHeader header, int maxMessageLength)
    {
        var reader = new RecordReader(records, header);
        var count = 0;
        while (reader.TryCheck(header.Attributes, out var length))
        {
            count++;
            if (length > maxMessageLength)
                throw new CometException(ErrorCode.MessageTooLarge,
                    $"A message takes {length} bytes with its key and headers; the broker takes {maxMessageLength}.");
        }
        if (count != header.RecordCount)
            throw RecordBatchHeader.Corrupt($"it says it has {header.RecordCount} records and has {count}");
    }
}
