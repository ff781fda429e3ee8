using System.Buffers.Binary;

namespace Comet.Journals.Packing;

/// <summary>One block of a packed segment, as the table at the end of the file has it: whole records, as many as fit into 64 KiB, or one
/// that is longer.</summary>
/// <remarks><code>
/// 0 position i64 | 8 sequence i64 | 16 time before i64 | 24 stored at i64 | 32 stored length u32 | 36 flags u32 | 40 crc u32 | 44 zero
/// </code></remarks>
/// <param name="Position">Where its first record begins in the segment.</param>
/// <param name="Sequence">A sequence that all records before it are below and none from it on is.</param>
/// <param name="TimeBefore">The greatest time of a record before it; 0 when there is none.</param>
/// <param name="StoredAt">Where it begins in the file.</param>
/// <param name="StoredLength">How many bytes it takes there.</param>
/// <param name="IsCompressed">Whether they are compressed.</param>
/// <param name="Crc">Their CRC-32C.</param>
internal readonly record struct PackedBlock(
    long Position, long Sequence, long TimeBefore, long StoredAt, int StoredLength, bool IsCompressed, uint Crc)
{
    /// <summary>64 KiB.</summary>
    public const int TargetLength = 64 * 1024;

    /// <summary>The length of an entry of the table.</summary>
    public const int EntryLength = 48;

    public void Write(Span<byte> entry)
    {
        entry[..EntryLength].Clear();
        BinaryPrimitives.WriteInt64LittleEndian(entry, Position);
        BinaryPrimitives.WriteInt64LittleEndian(entry[8..], Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(entry[16..], TimeBefore);
        BinaryPrimitives.WriteInt64LittleEndian(entry[24..], StoredAt);
        BinaryPrimitives.WriteInt32LittleEndian(entry[32..], StoredLength);
        BinaryPrimitives.WriteInt32LittleEndian(entry[36..], IsCompressed ? 1 : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[40..], Crc);
    }

    public static PackedBlock Read(ReadOnlySpan<byte> entry) => new(
        BinaryPrimitives.ReadInt64LittleEndian(entry), BinaryPrimitives.ReadInt64LittleEndian(entry[8..]),
        BinaryPrimitives.ReadInt64LittleEndian(entry[16..]), BinaryPrimitives.ReadInt64LittleEndian(entry[24..]),
        BinaryPrimitives.ReadInt32LittleEndian(entry[32..]), BinaryPrimitives.ReadInt32LittleEndian(entry[36..]) != 0,
        BinaryPrimitives.ReadUInt32LittleEndian(entry[40..]));
}
