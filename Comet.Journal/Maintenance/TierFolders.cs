using System.Buffers.Binary;
using System.Text;
using Comet.Journals.FileSystem;
using Comet.Journals.Packing;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Maintenance;

/// <summary><c>journal.tiers</c>: the folders besides the journal's own that its segments may be in, in the order in which they move. Durable
/// before any segment is in one of them, so that nobody ever takes the journal for shorter than it is.</summary>
/// <remarks><code>
/// 0 magic u64 | 8 version u32 | 12 count u32 | 16 journal id | 32 for each folder: length u32, path in UTF-8 | crc u32 of all before
/// </code>A path that does not begin at the root begins in the journal's directory.</remarks>
internal static class TierFolders
{
    public const string Name = "journal.tiers";

    private const int MaxCount = 64;
    private const int MaxLength = 1 << 20;
    private const int Version = 1;
    private const int PathsAt = 32;

    // "CometTrs" as it stands in the file.
    private const ulong Magic = 0x73725474656D6F43;

    /// <summary>The journal's directory and its tiers, as absolute paths.</summary>
    public static IReadOnlyList<string> Read(IFileSystem files, string directory, Guid journalId) =>
        [directory, .. ReadStored(files, directory, journalId).Select(path => Path.GetFullPath(path, directory))];

    /// <summary>Adds folders that are not known yet, durably, and creates them. The caller holds the maintenance lock.</summary>
    /// <exception cref="JournalException">One is the journal's own directory, or has segments of another journal in it.</exception>
    public static void Add(IFileSystem files, string directory, Guid journalId, Guid unique, IEnumerable<string> folders)
    {
        var known = ReadStored(files, directory, journalId);
        var all = new List<string>(known);
        foreach (var folder in folders)
        {
            var path = Path.GetFullPath(folder, directory);
            if (all.Exists(other => Path.GetFullPath(other, directory) == path))
                continue;

            RequireEmpty(files, directory, path);
            all.Add(folder);
        }

        if (all.Count == known.Count)
            return;

        NewFile.Write(files, Path.Combine(directory, Name), unique, temporary =>
        {
            using var file = files.Open(temporary, FileOpening.Create);
            file.Write(ToBytes(journalId, all), 0);
            file.FlushData();
            return 0;
        });
    }

    private static void RequireEmpty(IFileSystem files, string directory, string folder)
    {
        files.CreateDirectory(folder);
        if (folder == directory || SegmentCatalog.List(files, folder).Any())
        {
            throw new JournalException(JournalErrorCode.InUse,
                $"{folder} has segments in it that are not of a tier of the journal in {directory}. Give the tier a folder of its own.")
            {
                File = folder
            };
        }
    }

    private static byte[] ToBytes(Guid journalId, List<string> folders)
    {
        var bytes = new List<byte>(new byte[PathsAt]);
        foreach (var folder in folders)
        {
            var path = Encoding.UTF8.GetBytes(folder);
            bytes.AddRange(BitConverter.GetBytes(path.Length));
            bytes.AddRange(path);
        }

        var result = bytes.Concat(new byte[sizeof(uint)]).ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(result, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(result.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(result.AsSpan(12), folders.Count);
        journalId.TryWriteBytes(result.AsSpan(16));
        BinaryPrimitives.WriteUInt32LittleEndian(result.AsSpan(bytes.Count), Crc32C.Of(result.AsSpan(0, bytes.Count)));
        return result;
    }

    private static List<string> ReadStored(IFileSystem files, string directory, Guid journalId)
    {
        var path = Path.Combine(directory, Name);
        if (!files.Exists(path))
            return [];

        using var file = files.Open(path, FileOpening.Read);
        var bytes = new byte[(int)Math.Min(file.Length, MaxLength)];
        return file.Read(bytes, 0) == bytes.Length ? Parse(bytes, path, journalId) : throw Damaged(path);
    }

    private static List<string> Parse(ReadOnlySpan<byte> bytes, string path, Guid journalId)
    {
        var end = bytes.Length - sizeof(uint);
        if (end < PathsAt || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[end..]) != Crc32C.Of(bytes[..end])
            || new Guid(bytes[16..32]) != journalId)
            throw Damaged(path);
        if (BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]) is var version && version != Version)
        {
            throw new JournalException(JournalErrorCode.UnsupportedFormat,
                $"{path} has the format version {version}; this release knows version {Version}. It was left untouched: use a newer "
                + "release.") { File = path };
        }

        var folders = new List<string>();
        var at = PathsAt;
        for (var left = Math.Min(MaxCount, BinaryPrimitives.ReadInt32LittleEndian(bytes[12..])); left > 0; left--)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes[at..]);
            folders.Add(Encoding.UTF8.GetString(bytes.Slice(at + sizeof(int), length)));
            at += sizeof(int) + length;
        }

        return folders;
    }

    private static JournalException Damaged(string path) => new(JournalErrorCode.Corrupt,
        $"{path}, which says where the older segments are, is damaged or of another journal. Restore it from a copy.")
    {
        File = path,
        FilePosition = 0
    };
}
