using Comet.Journals.FileSystem;

namespace Comet.Journals.Packing;

/// <summary>Gives a file its name only once it is whole and durable.</summary>
internal static class NewFile
{
    /// <summary>The end of the names of files that are not.</summary>
    public const string Suffix = ".tmp";

    /// <summary>Writes a file under a temporary name, gives it its own, over one that had it, and makes the name durable. When it fails,
    /// nothing is left of it.</summary>
    /// <param name="files">The file system.</param>
    /// <param name="path">The file.</param>
    /// <param name="unique">Part of the temporary name.</param>
    /// <param name="write">Writes the file at the path it is given, and makes it durable.</param>
    public static T Write<T>(IFileSystem files, string path, Guid unique, Func<string, T> write)
    {
        var temporary = $"{path}.{unique:N}{Suffix}";
        T result;
        try
        {
            result = write(temporary);
            files.Replace(temporary, path);
        }
        catch
        {
            files.Delete(temporary);
            throw;
        }

        files.FlushDirectory(Path.GetDirectoryName(path)!);
        return result;
    }
}
