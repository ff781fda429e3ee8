using System.Globalization;
using System.Runtime.InteropServices;
using Comet.Journals.Tests.Support;
using Comet.Tests;

namespace Comet.Journals.Tests.Processes;

/// <summary>Power cuts of a real file system: an ext4 in a file is shut down without writing anything more, while a process
/// appends.</summary>
public sealed partial class PowerCutTests
{
    private const int Cycles = 20;
    private const int PerCycle = 100_000;

    [Fact]
    [TakesLong]
    public async Task Nothing_confirmed_at_the_level_Disk_is_lost_over_20_power_cuts_of_an_ext4()
    {
        using var directory = new TemporaryDirectory();
        using var disk = LoopDisk.TryCreate(directory.Path);
        if (disk is null)
            Assert.Skip("Making and mounting an ext4 takes Linux, root, mkfs.ext4 and a loop device.");
        var path = Path.Combine(disk.Mount, "journal");
        var random = new Random(20);
        var confirmed = new List<int>();
        for (var cycle = 0; cycle < Cycles; cycle++)
        {
            using (var child = ChildProcess.Start("append to the end", path, (cycle * PerCycle).ToString(CultureInfo.InvariantCulture)))
            {
                for (var i = random.Next(1, 150); i > 0; i--)
                    confirmed.Add(Confirmation.Parse((await child.ReadLineAsync())!).Number);
                var cut = TimeProvider.System.GetTimestamp();
                disk.CutPower();
                foreach (var line in await child.ReadToEndAsync())
                {
                    // Those that were confirmed right before. What is confirmed behind it means nothing, no process lives to see it after a
                    // real cut: this kernel lets a flush succeed whose extents it could not convert any more because of the shutdown.
                    if (Confirmation.TryParse(line, out var confirmation) && confirmation.Time < cut)
                        confirmed.Add(confirmation.Number);
                }
            }

            disk.Restart();
            // Nothing in it means anything after a restart: the boot id is another one, which it is not here.
            File.Delete(Path.Combine(path, "journal.control"));
        }

        using var journal = Journal.Open(path);
        var all = Payload.ReadAll(journal);
        Assert.Empty(confirmed.Except(all));
        Assert.Equal(all.Count, all.Distinct().Count());
        foreach (var own in all.GroupBy(static number => number / PerCycle))
            Assert.Equal(Enumerable.Range(own.Key * PerCycle, own.Count()), own);
        Assert.True(Journal.Verify(path).IsWhole);
    }

    /// <summary>An ext4 in a file, mounted.</summary>
    private sealed partial class LoopDisk : IDisposable
    {
        private const int MostTries = 100;
        private const long Length = 48L << 20;
        private const ulong Shutdown = 0x8004587d;
        private const uint WithoutLogFlush = 2;

        // Other tests start processes, which would keep the mount busy.
        private const int CloseOnExec = 0x80000;

        private readonly string _image;

        private LoopDisk(string image, string mount) => (_image, Mount) = (image, mount);

        public string Mount { get; }

        public static LoopDisk? TryCreate(string directory)
        {
            var disk = new LoopDisk(Path.Combine(directory, "image"), Path.Combine(directory, "mount"));
            Directory.CreateDirectory(disk.Mount);
            using (var image = File.Create(disk._image))
                image.SetLength(Length);
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
}
