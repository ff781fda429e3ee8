using System.Runtime.InteropServices;
using System.Text;

namespace Comet.Journals.FileSystem;

/// <summary>Files of Linux, straight from libc, so that every error is seen.</summary>
internal sealed class LinuxFileSystem : IFileSystem
{
    private const uint OwnerOnlyDirectory = 0x1C0;
    private const uint OwnerOnlyFile = 0x180;
    private const string BootIdFile = "/proc/sys/kernel/random/boot_id";

    private readonly Lazy<Guid> _sessionId = new(static () =>
        Guid.TryParse(File.Exists(BootIdFile) ? File.ReadAllText(BootIdFile, Encoding.ASCII).Trim() : "", out var id) ? id : Guid.Empty);

    public Guid SessionId => _sessionId.Value;

    public bool DirectoryExists(string directory) => Directory.Exists(directory);

    public void CreateDirectory(string directory)
    {
        if (Directory.Exists(directory))
            return;

        var parent = System.IO.Path.GetDirectoryName(directory);
        if (!string.IsNullOrEmpty(parent))
            CreateDirectory(parent);
        if (LinuxNative.CreateDirectory(directory, OwnerOnlyDirectory) != 0 && Marshal.GetLastPInvokeError() != LinuxNative.FileExists)
            throw LinuxError.Of("Creating directory", directory);
        if (!string.IsNullOrEmpty(parent))
            FlushDirectory(parent);
    }

    public IReadOnlyList<string> List(string directory)
    {
        try
        {
            return new DirectoryInfo(directory).EnumerateFiles().Select(static file => file.Name).ToList();
        }
        catch (DirectoryNotFoundException gone)
        {
            throw new JournalException(JournalErrorCode.NotFound, $"There is no directory {directory}. Check the path.", gone);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new JournalException(JournalErrorCode.StorageError, $"Listing {directory} failed: {refused.Message}", refused);
        }
    }

    public bool Exists(string path) => File.Exists(path);

    public IJournalFile Open(string path, FileOpening opening)
    {
        var flags = LinuxNative.CloseOnExec | opening switch
        {
            FileOpening.Read => LinuxNative.ReadOnly,
            FileOpening.ReadWrite => LinuxNative.ReadWrite,
            FileOpening.Create => LinuxNative.ReadWrite | LinuxNative.CreateFlag | LinuxNative.ExclusiveFlag,
            _ => LinuxNative.ReadWrite | LinuxNative.CreateFlag
        };
        int file;
        do
        {
            file = LinuxNative.Open(path, flags, OwnerOnlyFile);
        }
        while (file < 0 && Marshal.GetLastPInvokeError() == LinuxNative.Interrupted);
        return file < 0 ? throw LinuxError.Of("Opening", path) : new LinuxFile(path, file);
    }

    public bool TryRename(string from, string to)
    {
        if (Rename(from, to, LinuxNative.RenameNoReplace) is not { } error)
            return true;
        if (error == LinuxNative.FileExists)
            return false;
        if (error != LinuxNative.InvalidArgument)
            throw LinuxError.Of($"Renaming to {to}", from, error);

        // A file system without RENAME_NOREPLACE: a hard link refuses a taken name as well.
        if (LinuxNative.Link(from, to) != 0)
        {
            error = Marshal.GetLastPInvokeError();
            return error == LinuxNative.FileExists ? false : throw LinuxError.Of($"Linking to {to}", from, error);
        }

        Delete(from);
        return true;
    }

    public void Replace(string from, string to)
    {
        if (Rename(from, to, 0) is { } error)
            throw LinuxError.Of($"Renaming to {to}", from, error);
    }

    public bool TryLink(string from, string to) => LinuxNative.Link(from, to) == 0;

    public void Delete(string path)
    {
        if (LinuxNative.Unlink(path) != 0 && Marshal.GetLastPInvokeError() != LinuxNative.NoEntry)
            throw LinuxError.Of("Deleting", path);
    }

    public void FlushDirectory(string directory)
    {
        var file = LinuxNative.Open(directory, LinuxNative.ReadOnly | LinuxNative.DirectoryFlag | LinuxNative.CloseOnExec, 0);
        if (file < 0)
            throw LinuxError.Of("Opening directory", directory);

        var failed = LinuxNative.Flush(file) != 0 ? Marshal.GetLastPInvokeError() : 0;
        if (LinuxNative.Close(file) != 0 && failed == 0)
            failed = Marshal.GetLastPInvokeError();
        if (failed != 0)
            throw LinuxError.Of("Flushing directory", directory, failed);
    }

    public void RequireUsable(string directory) => LinuxFileSystemKind.RequireLocal(directory);

    private static int? Rename(string from, string to, uint flags) =>
        LinuxNative.Rename(LinuxNative.AtCurrentDirectory, from, LinuxNative.AtCurrentDirectory, to, flags) == 0
            ? null
            : Marshal.GetLastPInvokeError();
}
