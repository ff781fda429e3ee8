using System.Runtime.InteropServices;

namespace Comet.Server.Storage.Local;

/// <summary>Makes names in a directory durable: a file that is flushed is still lost in a power cut when its name is not. .NET cannot open
/// a directory for that.</summary>
internal static partial class DirectoryFlush
{
    private const int ReadOnly = 0;
    private const int Interrupted = 4;

    /// <summary>Flushes a directory; where the system has no such thing, its file system does so by itself.</summary>
    /// <exception cref="IOException">It failed.</exception>
    public static void Run(string directory)
    {
        if (OperatingSystem.IsWindows())
            return;
        var file = Open(directory, ReadOnly);
        if (file < 0)
            throw Failed(directory);
        try
        {
            while (Flush(file) != 0)
            {
                if (Marshal.GetLastPInvokeError() != Interrupted)
                    throw Failed(directory);
            }
        }
        finally
        {
            _ = Close(file);
        }
    }

    private static IOException Failed(string directory) => new(
        $"Flushing the directory {directory} failed: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int file);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int file);
}
