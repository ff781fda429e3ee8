using Microsoft.Win32.SafeHandles;

namespace Comet.Cli.Output;

/// <summary>Standard output for payloads: what could not be written is an error and never counts as delivered.</summary>
internal static class StandardOutput
{
    private const int Descriptor = 1;

    // The console's own stream ignores that nobody reads its pipe any more (as behind 'head'); what is lost there must not be acked. In a
    // file a stream of our own would write at a position of its own, over what others write to the same one.
    public static Stream Open()
    {
        if (OperatingSystem.IsWindows())
            return Console.OpenStandardOutput();
        var stream = new FileStream(new SafeFileHandle(Descriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return stream.CanSeek ? Console.OpenStandardOutput() : stream;
    }
}
