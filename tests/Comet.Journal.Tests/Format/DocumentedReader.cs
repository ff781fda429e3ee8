using System.Buffers.Binary;

namespace Comet.Journals.Tests.Format;

/// <summary>A second implementation of reading, written from docs/journal-format.md alone: it uses nothing of Comet.Journal.</summary>
internal static class DocumentedReader
{
    public sealed record Record(long Sequence, long Time, long Segment, long Position, byte[] Body);

    /// <summary>All data records of a journal whose files are not written at the moment, and the kinds of all records.</summary>
    public static (List<Record> Records, HashSet<int> Kinds) Read(string directory, Func<string, byte[]>? key = null)
    {
        var id = Meta(File.ReadAllBytes(Path.Combine(directory, "journal.meta")));
        var first = Values(Path.Combine(directory, "journal.first"), id)?[0] ?? 0;
        var records = new List<Record>();
        var kinds = new HashSet<int>();
        var files = Folders(directory, id).SelectMany(folder => Directory.GetFiles(folder, "*.journal")
            .Concat(Directory.GetFiles(folder, "*.journal.packed"))).OrderBy(path => Path.GetFileName(path), StringComparer.Ordinal);
        long? expected = null;
        foreach (var path in files)
        {
            var number = long.Parse(Path.GetFileName(path)[17..27], System.Globalization.CultureInfo.InvariantCulture);
            if (number < first)
                continue;

            var bytes = path.EndsWith(".packed", StringComparison.Ordinal) ? DocumentedPacking.Unpack(Shared(path), key!) : Shared(path);
            var firstSequence = Header(bytes, number, id);
            Assert.Equal(expected ?? firstSequence, firstSequence);
            expected = Segment(bytes, number, records, kinds);
            if (expected is null)
                break;
        }

        return (records, kinds);
    }

    /// <summary>The five values of a file of places; null when there is none.</summary>
    public static long[]? Values(string path, byte[] id)
    {
        if (!File.Exists(path))
            return null;

        var bytes = Shared(path);
        return Enumerable.Range(0, 3).Select(static copy => copy * 4096).Select(at => bytes[at..(at + 512)])
            .Where(copy => U64(copy, 0) == 0x636C5074656D6F43 && U32(copy, 8) == 1 && copy.AsSpan(16, 16).SequenceEqual(id)
                && U32(copy, 508) == Crc(copy[..508]))
            .OrderByDescending(copy => I64(copy, 32))
            .Select(copy => Enumerable.Range(0, 5).Select(i => I64(copy, 40 + (8 * i))).ToArray())
            .First();
    }

    /// <summary>The journal's directory and its tiers.</summary>
    private static List<string> Folders(string directory, byte[] id)
    {
        var path = Path.Combine(directory, "journal.tiers");
        if (!File.Exists(path))
            return [directory];

        var bytes = Shared(path);
        Assert.Equal((0x73725474656D6F43ul, 1u), (U64(bytes, 0), U32(bytes, 8)));
        Assert.Equal(id, bytes[16..32]);
        Assert.Equal(U32(bytes, bytes.Length - 4), Crc(bytes[..^4]));
        List<string> folders = [directory];
        for (var at = 32; at < bytes.Length - 4; at += 4 + (int)U32(bytes, at))
            folders.Add(Path.Combine(directory, System.Text.Encoding.UTF8.GetString(bytes, at + 4, (int)U32(bytes, at))));
        Assert.Equal((int)U32(bytes, 12), folders.Count - 1);
        return folders;
    }

    public static byte[] Meta(byte[] meta)
    {
        Assert.Equal(512, meta.Length);
        Assert.Equal((0x6174654D74656D43ul, 1u), (U64(meta, 0), U32(meta, 8)));
        Assert.Equal(U32(meta, 504), Crc(meta[..504]));
        return meta[16..32];
    }

    private static long Header(byte[] bytes, long number, byte[] id)
    {
        Assert.Equal((0x6C6E4A74656D6F43ul, 1u), (U64(bytes, 0), U32(bytes, 8)));
        Assert.Equal(id, bytes[16..32]);
        Assert.Equal(bytes.Length, I64(bytes, 32));
        Assert.Equal(U32(bytes, 508), Crc(bytes[..508]));
        Assert.Equal(U32(bytes, 1020), Crc([.. bytes[12..16], .. bytes[512..1020]]));
        Assert.Equal(number, I64(bytes, 512));
        return I64(bytes, 520);
    }

    /// <summary>The first sequence of the next segment; null when this is the last.</summary>
    private static long? Segment(byte[] bytes, long number, List<Record> records, HashSet<int> kinds)
    {
        var entries = bytes.Length <= 65536 ? 0 : bytes.Length / 65536;
        var at = 4096 + ((((16 * entries) + 4095) / 4096) * 4096);
        while (U32(bytes, at) is not 0 and var word)
        {
            var (kind, length) = ((int)(word >> 28), (int)(word & 0x0FFFFFFF));
            var size = (24 + length + 7) / 8 * 8;
            byte[] covered = [.. bytes[12..16], .. bytes[512..520], .. bytes[at..(at + 4)],
                .. bytes[(at + 8)..(kind == 2 ? at + 24 : at + size)]];
            Assert.Equal(U32(bytes, at + 4), Crc(covered));
            Assert.InRange(kind, 1, 4);
            kinds.Add(kind);
            if (kind == 1)
                records.Add(new Record(I64(bytes, at + 16), I64(bytes, at + 8), number, at, bytes[(at + 24)..(at + 24 + length)]));
            if (kind == 3)
                return I64(bytes, at + 24);
            if (kind == 4)
                Assert.Equal(0, (at + size) % 512);
            at += size;
        }

        return null;
    }

    private static byte[] Shared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    public static uint Crc(byte[] bytes)
    {
        var state = uint.MaxValue;
        foreach (var each in bytes)
        {
            state ^= each;
            for (var bit = 0; bit < 8; bit++)
                state = (state >> 1) ^ ((state & 1) * 0x82F63B78);
        }

        return ~state;
    }

    private static uint U32(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));

    private static ulong U64(byte[] bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));

    private static long I64(byte[] bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at));
}
