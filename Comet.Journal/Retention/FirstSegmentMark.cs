using Comet.Journals.FileSystem;
using Comet.Journals.Places;

namespace Comet.Journals.Retention;

/// <summary><c>journal.first</c>: the number of the first segment that is kept. It is durable before any segment is deleted: those below it
/// are gone, whether or not a crash brings their names back.</summary>
internal static class FirstSegmentMark
{
    public const string Name = "journal.first";

    /// <summary>The number of the first segment that is kept; 0 when none was ever removed.</summary>
    public static long Read(IFileSystem files, string directory, Guid journalId) =>
        PlaceFile.TryRead(files, Path.Combine(directory, Name), journalId) is { } values ? values[0] : 0;

    /// <summary>Raises the number, durably. The caller holds the maintenance lock.</summary>
    public static void Write(IFileSystem files, string directory, Guid journalId, Guid unique, long number)
    {
        var path = Path.Combine(directory, Name);
        Span<long> values = stackalloc long[PlaceFile.ValueCount];
        values.Clear();
        values[0] = number;
        if (!files.Exists(path))
        {
            PlaceFile.Create(files, path, journalId, unique, values);
            return;
        }

        using var file = PlaceFile.TryOpen(files, path, journalId) ?? throw new JournalException(JournalErrorCode.InUse,
            $"{path} is locked by somebody else. Try again.") { File = path };
        file.Write(values);
        file.Flush();
    }
}
