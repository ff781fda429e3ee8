using System.Buffers.Binary;

namespace Comet.Wire;

/// <summary>The fixed part at the head of a record batch: what the broker reads of it.</summary>
/// <remarks>
/// Layout, integers little-endian:
/// <code>
///  0 u32 magic "CMB1"         4 u32 length of the whole batch
///  8 i64 base offset         16 i64 ownership epoch      24 i64 append time      (the broker's; outside the checksum)
/// 32 u32 CRC-32C of all bytes from 36 to the end
/// 36 u8  version = 1         37 u8 compression           38 u16 attributes
/// 40 u32 record count        44 u32 last offset delta    48 i64 first timestamp
/// 56 i64 base sequence id    64 u32 length of the records, uncompressed
/// 68 u8  length of the producer's name    69 u8[3] zero
/// 72 the producer's name, UTF-8; then the records
/// </code>
/// Times are microseconds since the Unix epoch. A batch from a producer holds the offset deltas 0 to count - 1; a batch that the
/// broker has cut holds some of them, under the same base offset and base sequence id. The batch names its producer itself, so
/// that deduplication can be recovered from the log alone (decision 0005).
/// </remarks>
internal readonly record struct RecordBatchHeader
{
    public const int Size = 72;
    public const uint Magic = 0x31424D43;
    public const byte CurrentVersion = 1;
    public const int LengthPosition = 4;
    public const int BaseOffsetPosition = 8;
    public const int EpochPosition = 16;
    public const int AppendTimePosition = 24;
    public const int ChecksumPosition = 32;
    public const int ChecksumStart = 36;

    /// <summary>67,108,864: who holds a batch keeps books of that size for it, whatever a broker says.</summary>
    public const int MaxRecords = 1 << 26;

    public int Length { get; init; }

    public long BaseOffset { get; init; }

    public long OwnershipEpoch { get; init; }

    public long AppendTime { get; init; }

    public uint Checksum { get; init; }

    public CompressionType Compression { get; init; }

    public RecordBatchAttributes Attributes { get; init; }

    /// <summary>How many records the batch holds.</summary>
    public int RecordCount { get; init; }

    /// <summary>The offset of the last record that the producer put in, from <see cref="BaseOffset"/>.</summary>
    public int LastOffsetDelta { get; init; }

    public long FirstTimestamp { get; init; }

    public long BaseSequence { get; init; }

    public int RecordsLength { get; init; }

    public int ProducerNameLength { get; init; }

    public long LastOffset => BaseOffset + LastOffsetDelta;

    /// <summary>Where the records begin, compressed or not.</summary>
    public int RecordsStart => Size + ProducerNameLength;

    /// <summary>Reads a header and checks that it fits the bytes behind it, not what they hold.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.CorruptBatch"/> or <see cref="ErrorCode.UnsupportedCompression"/>.</exception>
    public static RecordBatchHeader Read(ReadOnlySpan<byte> batch)
    {
        if (batch.Length < Size)
            throw Corrupt($"it has {batch.Length} bytes, less than its header");
        if (BinaryPrimitives.ReadUInt32LittleEndian(batch) != Magic || batch[36] != CurrentVersion)
            throw Corrupt("its magic number or version is not known");
        var header = new RecordBatchHeader
        {
            Length = BinaryPrimitives.ReadInt32LittleEndian(batch[LengthPosition..]),
            BaseOffset = BinaryPrimitives.ReadInt64LittleEndian(batch[BaseOffsetPosition..]),
            OwnershipEpoch = BinaryPrimitives.ReadInt64LittleEndian(batch[EpochPosition..]),
            AppendTime = BinaryPrimitives.ReadInt64LittleEndian(batch[AppendTimePosition..]),
            Checksum = BinaryPrimitives.ReadUInt32LittleEndian(batch[ChecksumPosition..]),
            Compression = (CompressionType)batch[37],
            Attributes = (RecordBatchAttributes)BinaryPrimitives.ReadUInt16LittleEndian(batch[38..]),
            RecordCount = BinaryPrimitives.ReadInt32LittleEndian(batch[40..]),
            LastOffsetDelta = BinaryPrimitives.ReadInt32LittleEndian(batch[44..]),
            FirstTimestamp = BinaryPrimitives.ReadInt64LittleEndian(batch[48..]),
            BaseSequence = BinaryPrimitives.ReadInt64LittleEndian(batch[56..]),
            RecordsLength = BinaryPrimitives.ReadInt32LittleEndian(batch[64..]),
            ProducerNameLength = batch[68],
        };
        header.Check(batch.Length);
        return header;
    }

    /// <summary>Writes the header; <see cref="Checksum"/> too, so compute it over the rest first or write it again.</summary>
    public void Write(Span<byte> batch)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(batch, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(batch[LengthPosition..], Length);
        BinaryPrimitives.WriteInt64LittleEndian(batch[BaseOffsetPosition..], BaseOffset);
        BinaryPrimitives.WriteInt64LittleEndian(batch[EpochPosition..], OwnershipEpoch);
        BinaryPrimitives.WriteInt64LittleEndian(batch[AppendTimePosition..], AppendTime);
        BinaryPrimitives.WriteUInt32LittleEndian(batch[ChecksumPosition..], Checksum);
        batch[36] = CurrentVersion;
        batch[37] = (byte)Compression;
        BinaryPrimitives.WriteUInt16LittleEndian(batch[38..], (ushort)Attributes);
        BinaryPrimitives.WriteInt32LittleEndian(batch[40..], RecordCount);
        BinaryPrimitives.WriteInt32LittleEndian(batch[44..], LastOffsetDelta);
        BinaryPrimitives.WriteInt64LittleEndian(batch[48..], FirstTimestamp);
        BinaryPrimitives.WriteInt64LittleEndian(batch[56..], BaseSequence);
        BinaryPrimitives.WriteInt32LittleEndian(batch[64..], RecordsLength);
        BinaryPrimitives.WriteInt32LittleEndian(batch[68..], ProducerNameLength);
    }

    public static CometException Corrupt(string why) => new(ErrorCode.CorruptBatch, $"A record batch is corrupt: {why}.");

    private void Check(int available)
    {
        if (Length != available || Length < RecordsStart)
            throw Corrupt($"it says it has {Length} bytes where there are {available}");
        if (!Enum.IsDefined(Compression))
            throw new CometException(ErrorCode.UnsupportedCompression,
                $"A record batch has the compression {(int)Compression}, which is not known here.");
        if (RecordCount <= 0 || LastOffsetDelta < RecordCount - 1 || LastOffsetDelta >= MaxRecords)
            throw Corrupt($"it says it has {RecordCount} records up to the offset delta {LastOffsetDelta}");
        if (RecordsLength < 0 || (long)RecordCount * RecordReader.MinRecordLength > RecordsLength)
            throw Corrupt($"{RecordCount} records do not fit into {RecordsLength} bytes");
        if (Compression == CompressionType.None && RecordsLength != Length - RecordsStart)
            throw Corrupt($"it says its records have {RecordsLength} bytes where there are {Length - RecordsStart}");
    }
}

/// <summary>What records of a batch have, so that a reader need not look at each of them to know.</summary>
[Flags]
internal enum RecordBatchAttributes
{
    None = 0,

    /// <summary>At least one record has a key.</summary>
    HasKeys = 1,

    /// <summary>At least one record has a time before which it is not to be delivered.</summary>
    HasDelayed = 2,
}
