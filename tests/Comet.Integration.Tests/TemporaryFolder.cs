using System.Runtime.InteropServices;

namespace Comet.Integration.Tests;

/// <summary>A folder of one test; it is gone when the test is.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("comet-integration-");

    public string Path(string name) => System.IO.Path.Combine(_folder.FullName, name);

    public string Write(string name, ReadOnlySpan<byte> bytes)
    {
        File.WriteAllBytes(Path(name), bytes);
        return Path(name);
    }

    /// <summary>A named pipe: who opens it to read waits until somebody opens it to write, and the other way round.</summary>
    public string Pipe(string name)
    {
        Assert.Equal(0, mkfifo(Path(name), Convert.ToUInt32("600", 8)));
        return Path(name);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int mkfifo([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint mode);
}
