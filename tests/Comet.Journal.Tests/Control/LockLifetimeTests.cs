using System.Runtime.InteropServices;
using Comet.Journals.FileSystem;

namespace Comet.Journals.Tests.Control;

/// <summary>A lock ends with the file that holds it, whoever shares its descriptor.</summary>
public sealed partial class LockLifetimeTests
{
    /// <summary>What every child process does between its start and its own program.</summary>
    [Fact]
    public void A_copy_of_the_descriptor_does_not_keep_the_lock()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Descriptors are copied by fork, which only Linux is asked for here.");
        using var directory = new TemporaryDirectory();
        var path = Path.Combine(directory.Path, "locked");
        File.WriteAllBytes(path, []);
        var files = new LinuxFileSystem();
        using var probe = files.Open(path, FileOpening.ReadWrite);
        var holder = files.Open(path, FileOpening.ReadWrite);
        Assert.True(holder.TryLock(0, exclusive: true));
        var copy = Duplicate((int)((SafeHandle)holder).DangerousGetHandle());
        try
        {
            Assert.True(probe.IsLockedByOther(0));
            holder.Dispose();
            Assert.False(probe.IsLockedByOther(0));
        }
        finally
        {
            Assert.Equal(0, Close(copy));
        }
    }

    [LibraryImport("libc", EntryPoint = "dup", SetLastError = true)]
    private static partial int Duplicate(int file);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int file);
}
