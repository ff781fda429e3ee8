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
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("comet-journal-bench-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);

    [LibraryImport("libc", EntryPoint = "sync")]
    private static partial void WriteAll();
}
