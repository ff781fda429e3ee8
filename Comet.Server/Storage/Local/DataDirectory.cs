using System.Diagnostics;
using System.Globalization;

namespace Comet.Server.Storage.Local;

/// <summary>The directory of a broker's data: held by one process at a time, readable by its owner alone.</summary>
internal sealed class DataDirectory : IDisposable
{
    /// <summary>The file that says what the directory is.</summary>
    public const string FormatName = "comet.format";

    /// <summary>The file of everything but messages.</summary>
    public const string MetadataName = "metadata.db";

    /// <summary>The directory of the messages.</summary>
    public const string TopicsName = "topics";

    private const string LockName = "comet.lock";
    private const string HolderName = "comet.pid";
    private const string Format = "comet data 1\n";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerOnlyFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode WritableByOthers = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    private readonly FileStream _lock;

    private DataDirectory(string path, FileStream @lock) => (Path, _lock) = (path, @lock);

    public string Path { get; }

    public string Metadata => System.IO.Path.Combine(Path, MetadataName);

    public string Ballast => System.IO.Path.Combine(Path, "comet.ballast");

    public string Topics => System.IO.Path.Combine(Path, TopicsName);

    /// <summary>Makes the directory where it is missing, and takes it.</summary>
    /// <exception cref="CometException">Another process has it, others may write to it, or it has an unknown format; nothing is
    /// changed then.</exception>
    public static DataDirectory Take(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            Create(path);
            // Before anything is written into what may be somebody else's.
            RefuseForeign(path);
            var directory = new DataDirectory(path, Lock(System.IO.Path.Combine(path, LockName)));
            try
            {
                directory.CheckFormat();
                directory.CreateTopics();
                DirectoryFlush.Run(path);
                return directory;
            }
            catch
            {
                directory.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CometException(ErrorCode.StorageFailed, $"The data directory {path} cannot be used: {e.Message}", e);
        }
    }

    /// <summary>What a directory says it is, of which nothing is changed.</summary>
    /// <exception cref="CometException">It is no data directory, or of an unknown format.</exception>
    public static string ReadFormat(string path)
    {
        var file = System.IO.Path.Combine(path, FormatName);
        if (!File.Exists(file))
            throw new CometException(ErrorCode.StorageFailed, $"{path} is no data directory of Comet: {FormatName} is missing.");
        var found = File.ReadAllText(file);
        RequireFormat(path, found);
        return found;
    }

    /// <exception cref="CometException">The format is unknown.</exception>
    public static void RequireFormat(string path, string found)
    {
        if (!string.Equals(found, Format, StringComparison.Ordinal))
        {
            throw new CometException(ErrorCode.StorageFailed,
                $"{path} has the format '{found.Trim()}', and this version knows '{Format.Trim()}': nothing was changed. Use the version "
                + "that has made it, or a later one.");
        }
    }

    /// <summary>Makes a file that only the owner can read, where there is none.</summary>
    /// <param name="path">The file.</param>
    /// <param name="allocated">How many bytes of the disk it takes from the start.</param>
    public static void CreateFile(string path, long allocated = 0)
    {
        if (File.Exists(path) && new FileInfo(path).Length >= allocated)
            return;
        File.Delete(path);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, PreallocationSize = allocated };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnlyFile;
        using var file = new FileStream(path, options);
        file.SetLength(allocated);
    }

    public void Dispose() => _lock.Dispose();

    /// <summary>Makes the directory of the topics.</summary>
    private void CreateTopics() => CreateDirectory(Topics);

    /// <summary>Makes a directory that only the owner can read, where there is none.</summary>
    public static void CreateDirectory(string path)
    {
        if (Directory.Exists(path))
            return;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, OwnerOnly);
    }

    private static void Create(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }
        if (!Directory.Exists(path))
        {
            Directory.CreateDirectory(path, OwnerOnly);
            DirectoryFlush.Run(System.IO.Path.GetDirectoryName(path)!);
        }
        if ((File.GetUnixFileMode(path) & WritableByOthers) is var mode and not 0)
        {
            throw new CometException(ErrorCode.StorageFailed,
                $"The data directory {path} may be written to by others ({mode}): whoever does could plant messages. chmod 700 it.");
        }
    }

    private static FileStream Lock(string path)
    {
        CreateFile(path);
        var directory = System.IO.Path.GetDirectoryName(path)!;
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (IsTaken(e))
        {
            throw new CometException(ErrorCode.StorageFailed,
                $"The data directory {directory} is in use by {Holder(directory)}. Stop that one first, or give this one a directory of "
                + "its own.", e);
        }
        // Beside it, because nobody else can read a locked file here.
        var holder = System.IO.Path.Combine(directory, HolderName);
        CreateFile(holder);
        File.WriteAllText(holder, string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n"));
        return file;
    }

    // On Windows a sharing or a lock violation, elsewhere EWOULDBLOCK, as Linux and as the BSDs number it: anything else, such as a
    // read-only file system, is not another process.
    private static bool IsTaken(IOException e) => OperatingSystem.IsWindows()
        ? (e.HResult & 0xFFFF) is 32 or 33
        : e.HResult is 11 or 35;

    private static string Holder(string directory)
    {
        try
        {
            var id = int.Parse(File.ReadAllText(System.IO.Path.Combine(directory, HolderName)), CultureInfo.InvariantCulture);
            return $"process {id} ({Process.GetProcessById(id).ProcessName})";
        }
        catch (Exception e) when (e is IOException or FormatException or ArgumentException or InvalidOperationException)
        {
            return "another process";
        }
    }

    private static void RefuseForeign(string path)
    {
        if (File.Exists(System.IO.Path.Combine(path, FormatName)))
            return;
        var others = Directory.EnumerateFileSystemEntries(path).Select(System.IO.Path.GetFileName);
        if (others.Any(static name => name is not (LockName or HolderName)))
        {
            throw new CometException(ErrorCode.StorageFailed,
                $"{path} is no data directory of Comet ({FormatName} is missing) and not empty: nothing was changed. Give an empty "
                + "directory, or the right one.");
        }
    }

    private void CheckFormat()
    {
        var path = System.IO.Path.Combine(Path, FormatName);
        if (!File.Exists(path))
        {
            RefuseForeign(Path);
            CreateFile(path);
            File.WriteAllText(path, Format);
            return;
        }
        // An empty one was being made by a process that was killed.
        var found = File.ReadAllText(path);
        if (found.Length == 0)
            File.WriteAllText(path, Format);
        else
            RequireFormat(Path, found);
    }
}
