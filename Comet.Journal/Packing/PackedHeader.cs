using System.Buffers.Binary;
using System.Text;
using Comet.Checksums;
using Comet.Journals.Segments;

namespace Comet.Journals.Packing;

/// <summary>The first three sectors of a packed segment: how it is packed, and the two sectors of the header it was written with. They are
/// the associated data of every encrypted block, so nothing in them can be changed unnoticed.</summary>
/// <remarks><code>
/// 0 magic u64 | 8 version u32 | 12 codec u32 | 16 cipher u32 | 20 length of the key id u32 | 24 zero | 32 salt of the file's key, 32 bytes
/// 64 key id, at most 64 bytes of UTF-8 | ... zeros ... | 508 crc u32 | 512 and 1024 the sectors of the segment's header
/// </code></remarks>
internal sealed record PackedHeader
{
    public const int Length = 3 * SegmentHeader.SectorLength;
    public const int Version = 1;
    public const int MaxKeyIdLength = 64;
    public const int SaltLength = 32;

    // "CometPck" as it stands in the file.
    private const ulong Magic = 0x6B635074656D6F43;
    private const int AesGcmCipher = 1;
    private const int SaltAt = 32;
    private const int KeyIdAt = 64;
    private const int CrcAt = SegmentHeader.SectorLength - sizeof(uint);

    public required JournalCodec Codec { get; init; }

    /// <summary>The id of the key it is encrypted with; null when it is not.</summary>
    public string? KeyId { get; init; }

    /// <summary>Random: with the key it makes the key of this file alone.</summary>
    public byte[] Salt { get; init; } = [];

    public required SegmentHeader Segment { get; init; }

    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), (int)Codec);
        if (KeyId is not null)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), AesGcmCipher);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(20), Encoding.UTF8.GetBytes(KeyId, bytes.AsSpan(KeyIdAt, MaxKeyIdLength)));
            Salt.CopyTo(bytes.AsSpan(SaltAt, SaltLength));
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(CrcAt), Crc32C.Compute(bytes.AsSpan(0, CrcAt)));
        Segment.WriteIdentity(bytes.AsSpan(SegmentHeader.SectorLength));
        Segment.WritePlace(bytes.AsSpan(2 * SegmentHeader.SectorLength));
        return bytes;
    }

    /// <summary>Reads the three sectors.</summary>
    /// <exception cref="JournalException">They are damaged, or of a version or a kind this release does not know.</exception>
    public static PackedHeader Read(ReadOnlySpan<byte> bytes, string path)
    {
        if (bytes.Length < Length || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic)
            throw PackedFile.Damaged(path, 0, "does not begin like a packed segment");

        var version = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        if (version != Version)
            throw Unknown(path, $"the format version {version}; this release reads version {Version}");
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[CrcAt..]) != Crc32C.Compute(bytes[..CrcAt]))
            throw PackedFile.Damaged(path, 0, "has a header whose checksum is wrong");

        var codec = (JournalCodec)BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]);
        var cipher = BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]);
        var idLength = BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]);
        if (!Enum.IsDefined(codec) || cipher is < 0 or > AesGcmCipher || idLength is < 0 or > MaxKeyIdLength)
            throw Unknown(path, $"the codec {(int)codec} and the cipher {cipher}, of which this release does not know one");

        return new PackedHeader
        {
            Codec = codec,
            KeyId = cipher == AesGcmCipher ? Encoding.UTF8.GetString(bytes.Slice(KeyIdAt, idLength)) : null,
            Salt = cipher == AesGcmCipher ? bytes.Slice(SaltAt, SaltLength).ToArray() : [],
            Segment = SegmentHeader.Read(bytes[SegmentHeader.SectorLength..], path)
        };
    }

    private static JournalException Unknown(string path, string what) => new(JournalErrorCode.UnsupportedFormat,
        $"{path} has {what}. It was left untouched: use a newer release.")
    {
        File = path
    };
}
