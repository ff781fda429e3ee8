namespace Comet.Crash.Tests.Disks;

/// <summary>A folder of one test; it is gone when the test is.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private const string Memory = "/dev/shm";

    private readonly DirectoryInfo _folder;

    public TemporaryFolder()
        : this(Directory.CreateTempSubdirectory("comet-crash-"))
    {
    }

    private TemporaryFolder(DirectoryInfo folder) => _folder = folder;

    public string Path => _folder.FullName;

    public string this[string name] => System.IO.Path.Combine(_folder.FullName, name);

    /// <summary>One in memory, where there is a file system for that: for copies whose flushes nobody needs.</summary>
    public static TemporaryFolder InMemory() => Directory.Exists(Memory)
        ? new(Directory.CreateDirectory(System.IO.Path.Combine(Memory, $"comet-crash-{Guid.NewGuid():N}")))
        : new();

    public void Dispose() => _folder.Delete(recursive: true);
}
