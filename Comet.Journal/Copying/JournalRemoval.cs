using Comet.Journals.Control;
using Comet.Journals.FileSystem;
using Comet.Journals.Maintenance;
using Comet.Journals.Segments;

namespace Comet.Journals.Copying;

/// <summary>Deletes a journal with what it has in other folders: those first, because only its directory tells of them.</summary>
internal static class JournalRemoval
{
    public static void Run(IFileSystem files, string directory)
    {
        if (!files.DirectoryExists(directory))
            return;
        if (JournalMetadata.TryRead(files, directory) is { } metadata)
        {
            using var alone = TakeAlone(files, directory);
            foreach (var folder in TierFolders.Read(files, directory, metadata.JournalId).Skip(1))
                RemoveTier(files, folder);
        }

        Directory.Delete(directory, recursive: true);
    }

    /// <summary>Holds the journal alone; nobody can have it open meanwhile.</summary>
    private static IJournalFile? TakeAlone(IFileSystem files, string directory)
    {
        var path = Path.Combine(directory, ControlFile.Name);
        if (!files.Exists(path))
            return null;
        var locks = files.Open(path, FileOpening.ReadWrite);
        if (locks.TryLock(JournalLock.Session, exclusive: true))
            return locks;
        locks.Dispose();
        throw new JournalException(JournalErrorCode.InUse,
            $"The journal in {directory} is open somewhere, so it is not deleted. Close it there first.") { File = directory };
    }

    private static void RemoveTier(IFileSystem files, string folder)
    {
        // Gone already, when an earlier attempt was cut off; or its disk is away.
        if (!files.DirectoryExists(folder))
            return;
        foreach (var entry in SegmentCatalog.List(files, folder).ToList())
            files.Delete(entry.Path);
        files.Delete(Path.Combine(folder, TierFolders.MarkName));
        if (!Directory.EnumerateFileSystemEntries(folder).Any())
            Directory.Delete(folder);
    }
}
