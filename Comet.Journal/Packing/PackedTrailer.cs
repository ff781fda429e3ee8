using System.Buffers.Binary;
using Comet.Checksums;

namespace Comet.Journals.Packing;

/// <summary>The last 64 bytes of a packed segment: where the table of its blocks is. Whatever cuts the file takes them.</summary>
/// <remarks><code>
/// 0 magic u64 | 8 table position i64 | 16 end of the records i64 | 24 greatest time i64 | 32 blocks u32
/// 36 stored length of the table u32 | 40 crc of the stored table u32 | ... zeros ... | 60 crc u32
/// </code></remarks>
/// <param name="TableAt">Where the table begins in the file.</param>
/// <param name="End">The position in the segment behind its end mark.</param>
/// <param name="LastTime">The greatest time of a record; 0 when there is none.</param>
/// <param name="Blocks">How many blocks there are.</param>
/// <param name="TableLength">How many bytes the table takes in the file.</param>
/// <param name="TableCrc">The CRC-32C of those.</param>
internal readonly record struct PackedTrailer(long TableAt, long End, long LastTime, int Blocks, int TableLength, uint TableCrc)
{
    public const int Length = 64;

    /// <summary>40: so many bytes of it go into the associated data of an encrypted table.</summary>
    public const int AuthenticatedLength = 40;

    // "CometEnd" as it stands in the file.
    private const ulong Magic = 0x646E4574656D6F43;
    private const int CrcAt = Length - sizeof(uint);

    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), TableAt);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), End);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), LastTime);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(32), Blocks);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(36), TableLength);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(40), TableCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(CrcAt), Crc32C.Compute(bytes.AsSpan(0, CrcAt)));
        return bytes;
    }

    /// <summary>Reads the trailer of a file of a length; null when it is not whole.</summary>
    public static PackedTrailer? TryRead(ReadOnlySpan<byte> bytes, long fileLength)
    {
        if (bytes.Length < Length || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[CrcAt..]) != Crc32C.Compute(bytes[..CrcAt]))
            return null;

        var trailer = new PackedTrailer(
            BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]), BinaryPrimitives.ReadInt32LittleEndian(bytes[32..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[36..]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[40..]));
        return trailer.Blocks > 0 && trailer.TableAt >= PackedHeader.Length && trailer.TableLength >= 0
            && trailer.TableAt + trailer.TableLength + Length == fileLength ? trailer : null;
    }
}
