using Comet.Journals.FileSystem;
using Comet.Journals.Packing;
using Comet.Journals.Segments;

namespace Comet.Journals.Maintenance;

/// <summary>Clears away what work that was cut off has left: files without a segment's name, and the older one of two copies of a segment,
/// once the newer one has been read. The caller holds the maintenance lock.</summary>
internal sealed class Leftovers(SegmentStore store, CancellationToken cancellationToken)
{
    private IFileSystem Files => store.Files;

    /// <summary>Does it in all folders that can be read.</summary>
    /// <param name="failed">Told of a segment whose copies all have to stay.</param>
    public void Clear(Action<(long Number, Exception Error)> failed)
    {
        var found = new List<SegmentEntry>();
        var folders = store.Folders.Where(Files.DirectoryExists).ToList();
        foreach (var folder in folders)
        {
            foreach (var name in Files.List(folder).Where(IsUnfinished))
                Files.Delete(Path.Combine(folder, name));
            found.AddRange(SegmentCatalog.List(Files, folder));
        }

        // Of one folder the packed one is the later, otherwise that of the later folder.
        foreach (var copies in found.Where(entry => entry.IsSegment).GroupBy(entry => entry.Number))
        {
            try
            {
                var folderOf = (SegmentEntry entry) => folders.IndexOf(Path.GetDirectoryName(entry.Path)!);
                KeepOne([.. copies.OrderBy(folderOf).ThenBy(entry => entry.Form.Length)]);
            }
            catch (JournalException stays)
            {
                failed((copies.Key, stays));
            }
        }
    }

    private static bool IsUnfinished(string name) => name.EndsWith(NewFile.Suffix, StringComparison.Ordinal)
        && (SegmentName.TryParse(name, out _, out _, out _) || name.StartsWith(TierFolders.MarkName, StringComparison.Ordinal));

    private void KeepOne(List<SegmentEntry> copies)
    {
        if (copies.Count < 2 || copies.Exists(entry => entry.Form is not ("" or PackedSegmentReader.Form)))
            return;

        var kept = copies[^1];
        try
        {
            RequireWhole(kept);
        }
        catch (JournalException damaged) when (damaged.Code == JournalErrorCode.Corrupt)
        {
            // Of a whole one and a damaged one the whole one stays.
            RequireWhole(copies[^2]);
            kept = copies[^2];
        }

        // Its name may not be durable yet.
        Files.FlushDirectory(Path.GetDirectoryName(kept.Path)!);
        foreach (var other in copies.Where(entry => entry != kept))
            Files.Delete(other.Path);
    }

    private void RequireWhole(SegmentEntry entry)
    {
        using var reader = entry.Form.Length > 0
            ? PackedSegmentReader.Open(Files, entry.Path, store.Keys)
            : (ISegmentReader)new MappedSegmentReader(MappedSegment.Open(Files, entry.Path, writable: false), isOver: true);
        if (reader.Header.JournalId != store.JournalId || reader.Header.Number != entry.Number)
            throw PackedFile.Damaged(entry.Path, 0, "is of another journal, or was renamed");
        SegmentCheck.RequireWhole(reader, cancellationToken);
    }
}
