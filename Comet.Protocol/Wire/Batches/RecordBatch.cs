using System.Buffers.Binary;
using Comet.Checksums;

namespace Comet.Wire;

/// <summary>What both sides do with a whole batch: checksum, the broker's stamp, restoring, checking.</summary>
internal static class RecordBatch
{
    /// <summary>The most that compressed records may grow by when they are restored: 100 to 1 is beyond any honest data that is
    /// smaller than a message, and cheap bombs stay outside.</summary>
    public const int MaxCompressionRatio = 100;

    // Small repetitive batches do reach high ratios; below this size a bomb does no harm.
    private const int AlwaysAllowedLength = 1024 * 1024;

    public static void WriteChecksum(Span<byte> batch) =>
        BinaryPrimitives.WriteUInt32LittleEndian(batch[RecordBatchHeader.ChecksumPosition..],
            Crc32C.Compute(batch[RecordBatchHeader.ChecksumStart..]));

    /// <summary>Writes what belongs to the broker; the checksum does not cover it.</summary>
    public static void Stamp(Span<byte> batch, long baseOffset, long ownershipEpoch, long appendTime)
    {
        BinaryPrimitives.WriteInt64LittleEndian(batch[RecordBatchHeader.BaseOffsetPosition..], baseOffset);
        BinaryPrimitives.WriteInt64LittleEndian(batch[RecordBatchHeader.EpochPosition..], ownershipEpoch);
        BinaryPrimitives.WriteInt64LittleEndian(batch[RecordBatchHeader.AppendTimePosition..], appendTime);
    }

    /// <summary>Reads the header and verifies the checksum.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.CorruptBatch"/> or <see cref="ErrorCode.UnsupportedCompression"/>.</exception>
    public static RecordBatchHeader Open(ReadOnlySpan<byte> batch)
    {
        var header = RecordBatchHeader.Read(batch);
        if (Crc32C.Compute(batch[RecordBatchHeader.ChecksumStart..]) != header.Checksum)
            throw RecordBatchHeader.Corrupt("its checksum does not match");
        return header;
    }

    /// <summary>The records, restored when they are compressed. <paramref name="maxLength"/> bounds what is taken for them.</summary>
    public static ReadOnlyMemory<byte> GetRecords(ReadOnlyMemory<byte> batch, in RecordBatchHeader header, int maxLength)
    {
        var stored = batch[header.RecordsStart..];
        if (header.Compression == CompressionType.None)
            return stored;
        CheckRestoredLength(stored.Length, header, maxLength);
        var records = GC.AllocateUninitializedArray<byte>(header.RecordsLength);
        BatchCompression.Decompress(stored.Span, records, header.Compression);
        return records;
    }

    /// <summary>Checks what compressed records say they restore to, before memory is taken for it.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.CorruptBatch"/>.</exception>
    public static void CheckRestoredLength(int storedLength, in RecordBatchHeader header, int maxLength)
    {
        if (header.RecordsLength > maxLength
            || (header.RecordsLength > AlwaysAllowedLength && header.RecordsLength / MaxCompressionRatio > storedLength))
            throw RecordBatchHeader.Corrupt($"{storedLength} bytes that restore to {header.RecordsLength} are beyond the limit");
    }

    /// <summary>Walks over all records, so that what is stored is known to be readable.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.CorruptBatch"/>.</exception>
    public static void CheckRecords(ReadOnlySpan<byte> records, in RecordBatchHeader header)
    {
        var reader = new RecordReader(records, header);
        var count = 0;
        while (reader.TrySkip(out _, out _, out _))
            count++;
        if (count != header.RecordCount)
            throw RecordBatchHeader.Corrupt($"it says it has {header.RecordCount} records and has {count}");
    }
}
