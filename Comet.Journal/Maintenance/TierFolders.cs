using System.Buffers.Binary;
using System.Text;
using Comet.Checksums;
using Comet.Journals.FileSystem;
using Comet.Journals.Packing;
using Comet.Journals.Segments;

namespace Comet.Journals.Maintenance;

/// <summary><c>journal.tiers</c>: the folders besides the journal's own that its segments may be in, in the order in which they move.
/// Durable before any segment is in one of them, so that nobody ever takes the journal for shorter than it is.</summary>
/// <remarks><code>
/// 0 magic u64 | 8 version u32 | 12 count u32 | 16 journal id | 32 for each folder: length u32, path in UTF-8 | crc u32 of all before
/// </code>A path that does not begin at the root begins in the journal's directory.</remarks>
internal static class TierFolders
{
    public const string Name = "journal.tiers";

    /// <summary>Stands in each of the folders. Where it is missing something else is in the folder's place: an empty one, for example, on
    /// which a disk should be mounted.</summary>
    public const string MarkName = "journal.tier";

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

            Prepare(files, directory, journalId, unique, path);
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

    /// <summary>Throws when a folder is not there, or something else is in its place.</summary>
    public static void RequireThere(string folder, IEnumerable<string> names)
    {
        if (!names.Contains(MarkName, StringComparer.Ordinal))
        {
            throw new JournalException(JournalErrorCode.StorageError, $"There is no {MarkName} in {folder}. Is its disk mounted?")
            {
                File = folder
            };
        }
    }

    private static void Prepare(IFileSystem files, string directory, Guid journalId, Guid unique, string folder)
    {
        if (folder != directory)
            files.CreateDirectory(folder);
        RequireOwn(files, directory, journalId, folder);
        NewFile.Write(files, Path.Combine(folder, MarkName), unique, temporary =>
        {
            using var file = files.Open(temporary, FileOpening.Create);
            file.Write(ToBytes(journalId, []), 0);
            file.FlushData();
            return 0;
        });
    }

    private static void RequireOwn(IFileSystem files, string directory, Guid journalId, string folder)
    {
        var mark = Path.Combine(folder, MarkName);
        if (folder == directory || SegmentCatalog.List(files, folder).Any() || (files.Exists(mark) && !IsOf(files, mark, journalId)))
        {
            throw new JournalException(JournalErrorCode.InUse,
                $"{folder} belongs to another journal, or has segments in it, so it cannot be a tier of the journal in {directory}. Give "
                + "the tier a folder of its own.")
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
        BinaryPrimitives.WriteUInt32LittleEndian(result.AsSpan(bytes.Count), Crc32C.Compute(result.AsSpan(0, bytes.Count)));
        return result;
    }

    private static bool IsOf(IFileSystem files, string mark, Guid journalId)
    {
        try
        {
            return ReadFile(files, mark, journalId).Count == 0;
        }
        catch (JournalException other) when (other.Code == JournalErrorCode.Corrupt)
        {
            return false;
        }
    }

    private static List<string> ReadStored(IFileSystem files, string directory, Guid journalId)
    {
        var path = Path.Combine(directory, Name);
        return files.Exists(path) ? ReadFile(files, path, journalId) : [];
    }

    private static List<string> ReadFile(IFileSystem files, string path, Guid journalId)
    {
        using var file = files.Open(path, FileOpening.Read);
        var bytes = new byte[(int)Math.Min(file.Length, MaxLength)];
        return file.Read(bytes, 0) == bytes.Length ? Parse(bytes, path, journalId) : throw Damaged(path);
    }

    private static List<string> Parse(ReadOnlySpan<byte> bytes, string path, Guid journalId)
    {
        var end = bytes.Length - sizeof(uint);
        if (end < PathsAt || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[end..]) != Crc32C.Compute(bytes[..end])
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
