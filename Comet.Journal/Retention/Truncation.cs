using Comet.Journals.Control;
using Comet.Journals.FileSystem;
using Comet.Journals.Segments;

namespace Comet.Journals.Retention;

/// <summary>Removes whole segments from the front. First it is written down, durably, which segment is the first from now on; then
/// the files are deleted, the oldest first; then their names are durably gone. Whoever has one mapped reads on in it.</summary>
internal sealed class Truncation(JournalState state)
{
    private IFileSystem Files => state.Segments.Files;

    /// <summary>Removes the segments all of whose records are before a sequence; never the last one.</summary>
    /// <param name="sequence">The first sequence that has to stay.</param>
    /// <param name="ignoreReaders">Whether what named readers have not dealt with may go, too.</param>
    /// <returns>How many segments were removed.</returns>
    public int Run(long sequence, bool ignoreReaders)
    {
        var gates = state.RequireGates();
        // The first that stays has to be on the disk with its name before the others go; and flushes begin at the durable place.
        if (state.Fault is null)
            _ = state.Flusher!.TryFlushAll();
        using var maintenance = gates.Maintenance.Enter();
        using var places = gates.Places.Enter();
        var entries = state.Segments.Catalog.Refresh();
        var needed = state.Control!.GetDurable().Place.Segment;
        if (!ignoreReaders)
            needed = Math.Min(needed, state.Readers.FirstNeededSegment());
        var count = 0;
        while (count < entries.Count - 1 && entries[count].Number < needed && FirstSequenceOf(entries[count + 1]) <= sequence)
            count++;
        if (count > 0)
            RemoveBelow(entries[count].Number);
        return count;
    }

    /// <summary>Removes all segments below a number, which is not beyond the segment of the durable place. The caller holds the maintenance
    /// lock.</summary>
    public void RemoveBelow(long number)
    {
        FirstSegmentMark.Write(Files, state.Directory, state.Metadata.JournalId, state.Segments.NextId(), number);
        DeleteBelow(number);
    }

    /// <summary>Deletes the files of segments that are not kept any more. The caller holds the maintenance lock.</summary>
    /// <param name="number">The first segment that is kept: durably so.</param>
    public void DeleteBelow(long number)
    {
        foreach (var folder in state.Segments.Folders)
            DeleteBelow(number, folder);
    }

    private void DeleteBelow(long number, string folder)
    {
        // Another disk may be away: what it has is not part of the journal any more, and goes the next time.
        if (folder != state.Directory && !Files.DirectoryExists(folder))
            return;

        var files = FilesBelow(number, folder);
        foreach (var file in files)
        {
            Files.Delete(file.Path);
            state.Segments.Catalog.Remove(file.Number);
            state.Segments.Resting.Drop(file.Number);
            if (file.IsSegment)
                state.Segments.Events.Raise(new JournalEvent(JournalEventKind.Deleted, file.Number, file.Path));
        }

        if (files.Count > 0)
            Files.FlushDirectory(folder);
    }

    // By the names, not by the catalog: what an interrupted removal left behind goes as well.
    private List<SegmentEntry> FilesBelow(long number, string folder) => SegmentCatalog.List(Files, folder)
        .Where(file => file.Number < number && !file.Form.EndsWith(SegmentCatalog.CutSuffix, StringComparison.Ordinal))
        .OrderBy(file => file.Number)
        .ToList();

    private long FirstSequenceOf(SegmentEntry entry)
    {
        using var segment = state.Segments.OpenReader(entry);
        return segment.Header.FirstSequence;
    }
}
