using System.Runtime.InteropServices;

namespace Comet.Benchmarks.Journals;

/// <summary>A folder for one measurement, gone behind it. It begins with a quiet disk: what the measurement before has left to be written
/// is written first.</summary>
internal sealed partial class Scratch : IDisposable
{
    public Scratch()
    {
        if (OperatingSystem.IsLinux())
            WriteAll();
        HaveMemory();
    }

    private static unsafe void HaveMemory()
    {
        if (Environment.GetEnvironmentVariable("NOMEM") == "1") return;
        const long length = 1024L << 20;
        var start = (byte*)Map(0, (nuint)length, 3, 0x22 | 0x8000, -1, 0);
        Unmap((nint)start, (nuint)length);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    public string Path { get; } = Directory.CreateTempSubdirectory("comet-journal-bench-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);

    [LibraryImport("libc", EntryPoint = "sync")]
    private static partial void WriteAll();
}
