using System.Buffers.Binary;
using Comet.Checksums;
using Comet.Journals.FileSystem;
using Comet.Journals.Records;

namespace Comet.Journals.Control;

/// <summary>
/// <c>journal.meta</c>: the identity of a journal and the options that hold for everybody. Written once, durably, by whoever creates it.
/// </summary>
/// <remarks><code>
/// 0 magic u64 | 8 version u32 | 12 roll kind u32 | 16 journal id | 32 roll length i64 | 40 first segment length i64
/// 48 max segment length i64 | 56 max record length u32 | 60 max writers u32 | 64 created i64 | ... zeros ... | 504 crc u32
/// </code></remarks>
internal sealed record JournalMetadata(Guid JournalId, long Created, JournalOptions Options)
{
    public const string Name = "journal.meta";
    public const int Length = 512;
    public const int Version = 1;

    private const ulong Magic = 0x6174654D74656D43;
    private const int CrcAt = Length - 8;

    /// <summary>Reads the metadata of a directory; null when there is none.</summary>
    public static JournalMetadata? TryRead(IFileSystem files, string directory)
    {
        var path = Path.Combine(directory, Name);
        if (!files.Exists(path))
            return null;

        using var file = files.Open(path, FileOpening.Read);
        Span<byte> bytes = stackalloc byte[Length];
        return Parse(bytes[..file.Read(bytes, 0)], path);
    }

    /// <summary>Creates the metadata, or reads that of whoever was first.</summary>
    public static JournalMetadata Create(IFileSystem files, string directory, Guid journalId, JournalOptions options)
    {
        var metadata = new JournalMetadata(journalId, UnixTicks.Of(options.TimeProvider.GetUtcNow()), options);
        var temporary = Path.Combine(directory, $"{Name}.{journalId:N}.tmp");
        metadata.WriteTo(files, temporary);

        var path = Path.Combine(directory, Name);
        try
        {
            if (!files.TryRename(temporary, path))
                files.Delete(temporary);
        }
        catch (JournalException gone) when (gone.Code == JournalErrorCode.NotFound && files.Exists(path))
        {
            // Somebody else was first, and took this file for a leftover.
        }

        files.FlushDirectory(directory);
        return TryRead(files, directory)
            ?? throw new JournalException(JournalErrorCode.NotFound, $"{Name} in {directory} was deleted right after it was created.");
    }

    /// <summary>Writes a new file, durably but for its name.</summary>
    public void WriteTo(IFileSystem files, string path)
    {
        using var file = files.Open(path, FileOpening.Create);
        Span<byte> bytes = stackalloc byte[Length];
        Write(bytes);
        file.Write(bytes, 0);
        file.FlushData();
    }

    /// <summary>The options in force: the stored ones, and those of the opener that concern only it.</summary>
    public JournalOptions Merge(JournalOptions opener)
    {
        var merged = opener with
        {
            RollCycle = Options.RollCycle,
            FirstSegmentLength = Options.FirstSegmentLength,
            MaxSegmentLength = Options.MaxSegmentLength,
            MaxRecordLength = Options.MaxRecordLength,
            MaxWriters = Options.MaxWriters
        };
        if (merged != opener)
        {
            opener.OptionsIgnored?.Invoke(
                $"The journal was created with other options, which hold: roll {Options.RollCycle}, segments of "
                + $"{Options.FirstSegmentLength} to {Options.MaxSegmentLength} bytes, records up to "
                + $"{Options.MaxRecordLength} bytes, {Options.MaxWriters} writers.");
        }

        return merged;
    }

    private static JournalMetadata Parse(ReadOnlySpan<byte> bytes, string path)
    {
        if (bytes.Length < Length || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic)
            throw Damaged(path, "does not begin like a journal's metadata");

        var version = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        if (version != Version)
        {
            throw new JournalException(JournalErrorCode.UnsupportedFormat,
                $"{path} has the format version {version}; this release knows version {Version}. It was left untouched: use a newer "
                + "release.")
            {
                File = path
            };
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[CrcAt..]) != ~Crc32C.Append(uint.MaxValue, bytes[..CrcAt]))
            throw Damaged(path, "has a wrong checksum");

        var cycle = RollCycle.FromStored(
            BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]));
        var options = new JournalOptions
        {
            RollCycle = cycle ?? throw Damaged(path, "names a roll cycle that this release does not know"),
            FirstSegmentLength = BinaryPrimitives.ReadInt64LittleEndian(bytes[40..]),
            MaxSegmentLength = BinaryPrimitives.ReadInt64LittleEndian(bytes[48..]),
            MaxRecordLength = BinaryPrimitives.ReadInt32LittleEndian(bytes[56..]),
            MaxWriters = BinaryPrimitives.ReadInt32LittleEndian(bytes[60..])
        };
        return new JournalMetadata(new Guid(bytes[16..32]), BinaryPrimitives.ReadInt64LittleEndian(bytes[64..]), options.Validated());
    }

    private void Write(Span<byte> bytes)
    {
        bytes[..Length].Clear();
        var (kind, ticks) = Options.RollCycle.ToStored();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], kind);
        JournalId.TryWriteBytes(bytes[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[32..], ticks);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[40..], Options.FirstSegmentLength);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[48..], Options.MaxSegmentLength);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[56..], Options.MaxRecordLength);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[60..], Options.MaxWriters);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[64..], Created);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[CrcAt..], ~Crc32C.Append(uint.MaxValue, bytes[..CrcAt]));
    }

    private static JournalException Damaged(string path, string how) =>
        new(JournalErrorCode.Corrupt, $"{path} {how}. Restore it from a copy; the segments beside it are not touched.")
        {
            File = path,
            FilePosition = 0
        };
}
