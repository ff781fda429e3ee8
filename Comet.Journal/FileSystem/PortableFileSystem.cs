namespace Comet.Journals.FileSystem;

/// <summary>Files by what .NET offers everywhere: Windows and macOS. Locks are files of their own, network drives are refused on Windows
/// only, and names are made durable where the system flushes directories by itself.</summary>
internal sealed class PortableFileSystem : IFileSystem
{
    // Without a boot id nothing that was not flushed is trusted after all writers are gone.
    public Guid SessionId => Guid.Empty;

    public bool DirectoryExists(string directory) => Directory.Exists(directory);

    public void CreateDirectory(string directory) => Try("Creating directory", directory, () => Directory.CreateDirectory(directory));

    public IReadOnlyList<string> List(string directory) => Try<IReadOnlyList<string>>("Listing", directory, () =>
        new DirectoryInfo(directory).EnumerateFiles().Select(static file => file.Name).ToList());

    public bool Exists(string path) => File.Exists(path);

    public IJournalFile Open(string path, FileOpening opening) => Try<IJournalFile>("Opening", path, () => new PortableFile(path, opening));

    public bool TryRename(string from, string to) => Try("Renaming", from, () =>
    {
        try
        {
            File.Move(from, to);
            return true;
        }
        catch (IOException) when (File.Exists(to))
        {
            return false;
        }
    });

    public void Replace(string from, string to) => Try("Renaming", from, () =>
    {
        File.Move(from, to, overwrite: true);
        return true;
    });

    public void Delete(string path) => Try("Deleting", path, () =>
    {
        File.Delete(path);
        return true;
    });

    public void FlushDirectory(string directory)
    {
        // NTFS and APFS write names to their journals themselves; neither lets a directory be flushed through .NET.
    }

    public void RequireUsable(string directory)
    {
        var root = Path.GetPathRoot(directory);
        if (OperatingSystem.IsWindows() && (root is null || root.StartsWith(@"\\", StringComparison.Ordinal)
            || new DriveInfo(root).DriveType == DriveType.Network))
        {
            throw new JournalException(JournalErrorCode.UnsupportedFileSystem,
                $"{directory} is on a network drive. Processes on two machines would not see each other's writes there: use a local disk.")
            {
                File = directory
            };
        }
    }

    internal static T Try<T>(string what, string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new JournalException(JournalErrorCode.NotFound, $"{what} {path} failed: it is not there. Check the path.", missing)
            {
                File = path
            };
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL of Windows, ENOSPC elsewhere.
            var full = (refused.HResult & 0xFFFF) is 0x70 or 0x27 or 28;
            throw new JournalException(full ? JournalErrorCode.StorageFull : JournalErrorCode.StorageError,
                $"{what} {path} failed: {refused.Message}", refused)
            {
                File = path
            };
        }
    }
}
