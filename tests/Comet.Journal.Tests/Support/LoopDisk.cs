using System.Runtime.InteropServices;

namespace Comet.Journals.Tests.Support;

/// <summary>An ext4 in a file, mounted.</summary>
internal sealed partial class LoopDisk : IDisposable
{
    private const int MostTries = 100;
    private const ulong Shutdown = 0x8004587d;
    private const uint WithoutLogFlush = 2;

    // Other tests start processes, which would keep the mount busy.
    private const int CloseOnExec = 0x80000;

    private readonly string _image;

    private LoopDisk(string image, string mount) => (_image, Mount) = (image, mount);

    public string Mount { get; }

    /// <summary>Makes one; null where that cannot be done.</summary>
    /// <param name="directory">Where the file and the mount point are made.</param>
    /// <param name="length">How large it is.</param>
    public static LoopDisk? TryCreate(string directory, long length)
    {
        var disk = new LoopDisk(Path.Combine(directory, "image"), Path.Combine(directory, "mount"));
        Directory.CreateDirectory(disk.Mount);
        using (var image = File.Create(disk._image))
            image.SetLength(length);
        return OperatingSystem.IsLinux() && Tool.Run("mkfs.ext4", "-q", "-F", disk._image) && disk.TryMount() ? disk : null;
    }

    /// <summary>What has not been flushed is gone.</summary>
    public void CutPower()
    {
        var directory = Open(Mount, CloseOnExec);
        var flag = WithoutLogFlush;
        Assert.True(directory >= 0 && Control(directory, Shutdown, ref flag) == 0, "The file system does not shut down.");
        Assert.Equal(0, Close(directory));
    }

    public void Restart()
    {
        // A process that another test starts right now has our files open for a moment.
        var tries = 0;
        while (!Tool.Run("umount", Mount))
            Assert.True(++tries < MostTries, "The file system cannot be unmounted.");
        Assert.True(TryMount(), "The file system cannot be mounted again.");
    }

    public void Dispose() => Tool.Run("umount", "-l", Mount);

    private bool TryMount() => Tool.Run("mount", "-o", "loop", _image, Mount);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Control(int file, ulong request, ref uint flag);
}
