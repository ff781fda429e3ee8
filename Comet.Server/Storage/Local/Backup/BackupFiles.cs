using System.Security.Cryptography;

namespace Comet.Server.Storage.Local.Backup;

/// <summary>Directories and files of a backup: only their owner can read them, and they are durable when they are done.</summary>
internal static class BackupFiles
{
    /// <summary>The directory in a backup that holds the data.</summary>
    public const string Data = "data";

    private const int PartLength = 1 << 20;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerOnlyFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes a directory, and those above it.</summary>
    public static void MakeDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, OwnerOnly);
    }

    /// <summary>Takes a directory that is to be filled.</summary>
    /// <exception cref="CometException">There is something in it.</exception>
    public static void TakeEmpty(string path, string what)
    {
        if (File.Exists(path) || (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any()))
        {
            throw new CometException(ErrorCode.StorageFailed,
                $"{path} is not empty, so {what} is not written there. Give an empty directory, or one that does not exist.");
        }
        var isNew = !Directory.Exists(path);
        MakeDirectory(path);
        if (isNew)
            DirectoryFlush.Run(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(path))!);
    }

    /// <exception cref="CometException">There is less room than that.</exception>
    public static void RequireRoom(string directory, long bytes, string hint = "")
    {
        var available = new DriveInfo(directory).AvailableFreeSpace;
        if (available < bytes)
        {
            throw new CometException(ErrorCode.StorageFull, string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"{directory} needs {bytes:N0} bytes, and its disk has {available:N0} free. Make room, or give another directory.{hint}"));
        }
    }

    /// <summary>The SHA-256 of a file.</summary>
    public static string Hash(string path, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        var buffer = new byte[PartLength];
        while (file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) is > 0 and var count)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendData(buffer, 0, count);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Copies a file, durably, and returns its SHA-256. Room for all of it is taken, also for what is zero: journals write into
    /// theirs through mappings, for which there must be room.</summary>
    public static string Copy(string from, string to, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using (var source = new FileStream(from, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1))
        using (var target = New(to, source.Length))
        {
            var buffer = new byte[PartLength];
            for (var at = 0L; source.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) is > 0 and var count; at += count)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var part = buffer.AsSpan(0, count);
                hash.AppendData(part);
                if (!part.ContainsAnyExcept((byte)0))
                    continue;
                target.Position = at;
                target.Write(part);
            }
            target.SetLength(source.Length);
        }
        DirectoryFlush.Run(to);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Writes a file, durable with its name when it has it.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var temporary = path + ".tmp";
        using (var file = New(temporary, content.Length))
            file.Write(content);
        DirectoryFlush.Run(temporary);
        File.Move(temporary, path);
        DirectoryFlush.Run(Path.GetDirectoryName(path)!);
    }

    /// <summary>Makes the names in a directory and all below durable.</summary>
    public static void FlushNames(string directory)
    {
        foreach (var below in Directory.EnumerateDirectories(directory, "*", SearchOption.AllDirectories))
            DirectoryFlush.Run(below);
        DirectoryFlush.Run(directory);
    }

    private static FileStream New(string path, long length)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, PreallocationSize = length,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnlyFile;
        return new FileStream(path, options);
    }
}
