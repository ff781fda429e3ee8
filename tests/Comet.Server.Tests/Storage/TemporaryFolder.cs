using System.Security.Cryptography;

namespace Comet.Server.Tests.Storage;

/// <summary>A folder that is gone with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private const int MaxTries = 1000;

    private readonly string _path = Directory.CreateTempSubdirectory("comet-server-tests-").FullName;
    private int _copies;

    public string Path => _path;

    public string this[string name] => System.IO.Path.Combine(_path, name);

    /// <summary>Copies a folder as it stands: what a process would leave that is killed now. A copy takes a while, in which journals write
    /// marks of their own accord: one in which the control file knows more than the segments is what no kill leaves, and is made
    /// again.</summary>
    public string Copy(string folder)
    {
        var copy = this[$"copy-{++_copies}"];
        if (!Directory.Exists(folder))
            return copy;
        for (var tries = 0; tries < MaxTries; tries++)
        {
            var before = ReadControls(folder);
            CopyAll(folder, copy);
            if (before.SequenceEqual(ReadControls(folder)))
                return copy;
            Directory.Delete(copy, recursive: true);
        }
        throw new InvalidOperationException($"{folder} never rests.");
    }

    private static void CopyAll(string folder, string copy)
    {
        foreach (var directory in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories).Prepend(folder))
            Directory.CreateDirectory(directory.Replace(folder, copy, StringComparison.Ordinal));
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            File.Copy(file, file.Replace(folder, copy, StringComparison.Ordinal));
    }

    private static List<string> ReadControls(string folder) =>
        [.. Directory.EnumerateFiles(folder, "journal.control", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(static file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))))];

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
