namespace Comet.Journals.FileSystem;

/// <summary>Tells local file systems from those of a network by the number statfs gives and, for FUSE, by the mount's type.</summary>
internal static unsafe class LinuxFileSystemKind
{
    private const int StatusLength = 256;
    private const uint Fuse = 0x65735546;

    private static readonly Dictionary<uint, string> Network = new()
    {
        [0x6969] = "NFS",
        [0x517B] = "SMB",
        [0xFE534D42] = "SMB",
        [0xFF534D42] = "CIFS",
        [0x01021997] = "9P",
        [0x00C36400] = "Ceph",
        [0x5346414F] = "AFS",
        [0x6B414653] = "AFS",
        [0x73757245] = "Coda",
        [0x0BD00BD0] = "Lustre",
        [0x01161970] = "GFS2",
        [0x7461636F] = "OCFS2",
        [0x47504653] = "GPFS",
        [0x786F4256] = "VirtualBox shared folder",
        [0xBACBACBC] = "VMware shared folder"
    };

    // FUSE carries both; these are local, all others are taken for networks.
    private static readonly string[] LocalFuse = ["fuseblk", "fuse.ntfs", "fuse.ntfs-3g", "fuse.ext2", "fuse.ext4", "fuse.lazyfs"];

    public static void RequireLocal(string directory)
    {
        var status = stackalloc byte[StatusLength];
        if (LinuxNative.FileSystemStatus(directory, status) != 0)
            throw LinuxError.Of("Asking for the file system of", directory);

        var name = Name((uint)*(nint*)status, directory);
        if (name is not null)
        {
            throw new JournalException(JournalErrorCode.UnsupportedFileSystem,
                $"{directory} is on {name}. Processes on two machines would not see each other's writes and locks there: put the journal "
                + "on a local disk (ext4, XFS, btrfs, tmpfs).")
            {
                File = directory
            };
        }
    }

    internal static string? Name(uint magic, string directory) =>
        magic == Fuse ? FuseName(MountType(directory)) : Network.GetValueOrDefault(magic);

    internal static string? FuseName(string type) => LocalFuse.Contains(type, StringComparer.Ordinal) ? null : type;

    private static string MountType(string directory)
    {
        var (best, type) = ("", "fuse");
        foreach (var line in File.ReadLines("/proc/self/mountinfo"))
        {
            var fields = line.Split(' ');
            var dash = Array.IndexOf(fields, "-");
            if (dash < 0 || dash + 1 >= fields.Length)
                continue;

            var mount = fields[4].Replace("\\040", " ", StringComparison.Ordinal);
            var inside = mount == "/" || directory == mount || directory.StartsWith(mount + "/", StringComparison.Ordinal);
            if (inside && mount.Length >= best.Length)
                (best, type) = (mount, fields[dash + 1]);
        }

        return type;
    }
}
