using System.Security.Cryptography;

namespace Comet.Journals.Tests.Support;

/// <summary>Copies and fingerprints of a journal's directory.</summary>
internal static class DirectoryState
{
    /// <summary>Every file but the control file, whose contents mean nothing once everybody is gone, with its hash.</summary>
    public static string Of(string directory) => string.Join('\n', Directory.GetFiles(directory)
        .Where(file => Path.GetFileName(file) != "journal.control").Order(StringComparer.Ordinal)
        .Select(file => $"{Path.GetFileName(file)} {Hash(file)}"));

    public static TemporaryDirectory Copy(string directory)
    {
        var copy = new TemporaryDirectory();
        foreach (var file in Directory.GetFiles(directory))
        {
            // Not File.Copy: it asks for a lock that writers of the journal do not give.
            using var from = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var to = new FileStream(Path.Combine(copy.Path, Path.GetFileName(file)), FileMode.CreateNew);
            from.CopyTo(to);
        }

        return copy;
    }

    /// <summary>A copy with all folders in it.</summary>
    public static TemporaryDirectory CopyTree(string directory)
    {
        var copy = Copy(directory);
        foreach (var folder in Directory.GetDirectories(directory))
        {
            using var inner = Copy(folder);
            Directory.CreateDirectory(Path.Combine(copy.Path, Path.GetFileName(folder)));
            foreach (var file in Directory.GetFiles(inner.Path))
                File.Move(file, Path.Combine(copy.Path, Path.GetFileName(folder), Path.GetFileName(file)));
        }

        return copy;
    }

    /// <summary>Writes over a part of a file.</summary>
    public static void Overwrite(string file, long position, ReadOnlySpan<byte> bytes)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        stream.Position = position;
        stream.Write(bytes);
    }

    private static string Hash(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return Convert.ToHexString(SHA256.HashData(stream));
    }
}
