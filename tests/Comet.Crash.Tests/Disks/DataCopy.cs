namespace Comet.Crash.Tests.Disks;

/// <summary>A copy of a data directory, or of a part of it.</summary>
internal static class DataCopy
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Copies all that is in a directory; not the locks, which nobody can read while they are held.</summary>
    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(to, OwnerOnly);
        foreach (var file in Directory.EnumerateFiles(from))
        {
            if (!file.EndsWith(".lock", StringComparison.Ordinal))
                File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);
        }
        foreach (var directory in Directory.EnumerateDirectories(from))
            Copy(directory, Path.Combine(to, Path.GetFileName(directory)));
    }

    /// <summary>Puts a copy in the place of what is there.</summary>
    public static void Replace(string directory, string copy)
    {
        Directory.Delete(directory, recursive: true);
        Copy(copy, directory);
    }
}
