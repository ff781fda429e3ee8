using System.Buffers.Binary;
using Comet.Checksums;
using Comet.Journals.Records;

namespace Comet.Journals.Segments;

/// <summary>
/// The first 4 KiB of a segment: two sectors and zeros, never changed once the file has its name, so that appends do not dirty them. The
/// first sector is durable before the file gets its name. The second is written right then, so that a roll waits for no disk; it becomes
/// durable with the first flush of the segment, before anything in it is confirmed.
/// </summary>
/// <remarks><code>
/// 0 magic u64 | 8 version u32 | 12 salt u32 | 16 journal id 16 bytes | 32 file length i64 | 40 created i64 | ... zeros ... | 508 crc u32
/// 512 number i64 | 520 first sequence i64 | 528 cycle start i64 | 536 cycle end i64 | 544 durable segment i64 | 552 durable position i64
/// ... zeros ... | 1020 crc u32
/// </code>Little-endian; times are <see cref="UnixTicks"/>; each CRC-32C is over the bytes of its sector before it, that of the second
/// sector
/// over the salt before them: what a deleted segment of the same number had there is not taken for this one's.</remarks>
internal sealed record SegmentHeader
{
    public const int Length = 4096;
    public const int SectorLength = 512;
    public const int Version = 1;

    // "CometJnl" as it stands in the file.
    private const ulong Magic = 0x6C6E4A74656D6F43;
    private const int CrcAt = SectorLength - sizeof(uint);

    public required Guid JournalId { get; init; }

    /// <summary>The preallocated length of the file.</summary>
    public required long FileLength { get; init; }

    public required uint Salt { get; init; }

    public required long Created { get; init; }

    public long Number { get; init; }

    /// <summary>The sequence of the first record; or, when there is none, of the first of the next segment.</summary>
    public long FirstSequence { get; init; }

    public long CycleStart { get; init; }

    /// <summary>Records of this time or later belong into another segment.</summary>
    public long CycleEnd { get; init; }

    /// <summary>Up to where the journal was durable when this segment was created.</summary>
    public JournalPlace DurableBefore { get; init; }

    public uint Seed => RecordLayout.Seed(Salt, Number);

    private uint PlaceSeed => Crc32C.Append(uint.MaxValue, Salt);

    public SegmentLayout Layout => new(FileLength);

    /// <summary>Writes the first sector.</summary>
    public void WriteIdentity(Span<byte> sector)
    {
        sector[..SectorLength].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(sector, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(sector[8..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[12..], Salt);
        JournalId.TryWriteBytes(sector[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(sector[32..], FileLength);
        BinaryPrimitives.WriteInt64LittleEndian(sector[40..], Created);
        Close(sector, uint.MaxValue);
    }

    /// <summary>Writes the second sector.</summary>
    public void WritePlace(Span<byte> sector)
    {
        sector[..SectorLength].Clear();
        BinaryPrimitives.WriteInt64LittleEndian(sector, Number);
        BinaryPrimitives.WriteInt64LittleEndian(sector[8..], FirstSequence);
        BinaryPrimitives.WriteInt64LittleEndian(sector[16..], CycleStart);
        BinaryPrimitives.WriteInt64LittleEndian(sector[24..], CycleEnd);
        BinaryPrimitives.WriteInt64LittleEndian(sector[32..], DurableBefore.Segment);
        BinaryPrimitives.WriteInt64LittleEndian(sector[40..], DurableBefore.Position);
        Close(sector, PlaceSeed);
    }

    /// <summary>Reads the first sector.</summary>
    /// <exception cref="JournalException">It is damaged or of a version this one does not know.</exception>
    public static SegmentHeader ReadIdentity(ReadOnlySpan<byte> page, string path)
    {
        if (page.Length < SectorLength || BinaryPrimitives.ReadUInt64LittleEndian(page) != Magic)
            throw Damaged(path, "does not begin like a segment");

        var version = BinaryPrimitives.ReadInt32LittleEndian(page[8..]);
        if (version != Version)
        {
            throw new JournalException(JournalErrorCode.UnsupportedFormat,
                $"{path} has the format version {version}; this release reads version {Version}. It was left untouched: use a newer "
                + "release.")
            {
                File = path
            };
        }

        return IsClosed(page, uint.MaxValue) ? new SegmentHeader
        {
            Salt = BinaryPrimitives.ReadUInt32LittleEndian(page[12..]),
            JournalId = new Guid(page[16..32]),
            FileLength = BinaryPrimitives.ReadInt64LittleEndian(page[32..]),
            Created = BinaryPrimitives.ReadInt64LittleEndian(page[40..])
        } : throw Damaged(path, "has a header whose checksum is wrong");
    }

    /// <summary>Reads the second sector into a header whose first has been read; null when it is damaged or was never written.</summary>
    public SegmentHeader? TryReadPlace(ReadOnlySpan<byte> sector) => !IsClosed(sector, PlaceSeed) ? null : this with
    {
        Number = BinaryPrimitives.ReadInt64LittleEndian(sector),
        FirstSequence = BinaryPrimitives.ReadInt64LittleEndian(sector[8..]),
        CycleStart = BinaryPrimitives.ReadInt64LittleEndian(sector[16..]),
        CycleEnd = BinaryPrimitives.ReadInt64LittleEndian(sector[24..]),
        DurableBefore = new JournalPlace(
            BinaryPrimitives.ReadInt64LittleEndian(sector[32..]), BinaryPrimitives.ReadInt64LittleEndian(sector[40..]))
    };

    /// <summary>Reads both sectors.</summary>
    /// <exception cref="JournalException">One is damaged, or they are of a version this one does not know.</exception>
    public static SegmentHeader Read(ReadOnlySpan<byte> page, string path) =>
        ReadIdentity(page, path).TryReadPlace(page[SectorLength..])
        ?? throw Damaged(path, "has a header whose second checksum is wrong", SectorLength);

    private static void Close(Span<byte> sector, uint seed) =>
        BinaryPrimitives.WriteUInt32LittleEndian(sector[CrcAt..], ~Crc32C.Append(seed, sector[..CrcAt]));

    private static bool IsClosed(ReadOnlySpan<byte> sector, uint seed) =>
        sector.Length >= SectorLength
        && BinaryPrimitives.ReadUInt32LittleEndian(sector[CrcAt..]) == ~Crc32C.Append(seed, sector[..CrcAt]);

    private static JournalException Damaged(string path, string how, long position = 0) =>
        new(JournalErrorCode.Corrupt, $"{path} {how}. Restore it from a copy, or run 'comet journal verify' on the directory.")
        {
            File = path,
            FilePosition = position
        };
}
