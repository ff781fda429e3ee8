using Comet.Journals.FileSystem;
using Comet.Journals.Maintenance;
using Comet.Journals.Packing;

namespace Comet.Journals.Segments;

/// <summary>One segment as the directory shows it: its number, the start of its cycle to the second, where it is and in which form
/// ("" for the form it was written in).</summary>
internal sealed record SegmentEntry(long Number, long CycleStart, string Path, string Form)
{
    /// <summary>False for what is not whole yet, and for what recovery took out of the journal.</summary>
    public bool IsSegment =>
        !Form.EndsWith(NewFile.Suffix, StringComparison.Ordinal) && !Form.EndsWith(SegmentCatalog.CutSuffix, StringComparison.Ordinal);
}

/// <summary>Which segments there are, in order. The directories are read again when a segment is asked for that is not
/// known.</summary>
/// <param name="files">The file system.</param>
/// <param name="directories">Where segments may be, in the order in which they move: the journal's own directory first.</param>
/// <param name="firstKept">The number of the first segment that is kept.</param>
internal sealed class SegmentCatalog(IFileSystem files, Func<IReadOnlyList<string>> directories, Func<long> firstKept)
{
    /// <summary>The end of the name of a segment that recovery took out of the journal.</summary>
    public const string CutSuffix = ".cut";

    // A segment that changes its form while a directory is read may be in none of the answers; hardly ever twice.
    private const int MaxLooks = 4;

    private readonly Lock _gate = new();
    private SegmentEntry[] _entries = [];
    private JournalException? _unreachable;

    /// <summary>What is known, in order, without looking at the directories.</summary>
    public IReadOnlyList<SegmentEntry> Entries => Volatile.Read(ref _entries);

    /// <summary>Why one of the directories but the journal's own could not be looked at the last time; null when all could.</summary>
    public JournalException? Unreachable => Volatile.Read(ref _unreachable);

    public IReadOnlyList<SegmentEntry> Refresh()
    {
        lock (_gate)
        {
            var entries = Look(out var isWhole);
            for (var looks = 1; looks < MaxLooks && !isWhole; looks++)
                entries = Look(out isWhole);
            Volatile.Write(ref _entries, entries);
            return entries;
        }
    }

    /// <exception cref="JournalException">A directory could not be read the last time.</exception>
    public void RequireReachable()
    {
        if (Unreachable is { } unreachable)
            throw new JournalException(unreachable.Code, unreachable.Message, unreachable) { File = unreachable.File };
    }

    /// <summary>All names of segments in a directory, whatever their form.</summary>
    public static IEnumerable<SegmentEntry> List(IFileSystem files, string directory) => Parse(directory, files.List(directory));

    private static IEnumerable<SegmentEntry> Parse(string directory, IReadOnlyList<string> names)
    {
        foreach (var name in names)
        {
            if (SegmentName.TryParse(name, out var number, out var cycleStart, out var form))
                yield return new SegmentEntry(number, cycleStart, Path.Combine(directory, name), form);
        }
    }

    private SegmentEntry[] Look(out bool isWhole)
    {
        // While one form of a segment replaces another, both are there, and the later one counts: the first is about to go.
        var found = new SortedDictionary<long, SegmentEntry>();
        var first = firstKept();
        var folders = directories();
        Volatile.Write(ref _unreachable, null);
        for (var i = 0; i < folders.Count; i++)
        {
            foreach (var entry in ListFolder(folders[i], mustBeThere: i == 0))
            {
                if (entry.Number >= first && entry.IsSegment
                    && (entry.Form.Length > 0 || !found.ContainsKey(entry.Number)))
                    found[entry.Number] = entry;
            }
        }

        isWhole = Unreachable is not null || found.Count == 0 || found.Keys.Last() - found.Keys.First() + 1 == found.Count;
        return [.. found.Values];
    }

    private List<SegmentEntry> ListFolder(string folder, bool mustBeThere)
    {
        try
        {
            var names = files.List(folder);
            if (!mustBeThere)
                TierFolders.RequireThere(folder, names);
            return [.. Parse(folder, names)];
        }
        catch (JournalException failed) when (!mustBeThere)
        {
            // Appends do not need what is there, and whoever does is told.
            Volatile.Write(ref _unreachable, new JournalException(JournalErrorCode.StorageError,
                $"Segments that the journal needs are in {folder}, which cannot be read: {failed.Message} Make it available again.", failed)
            {
                File = folder
            });
            return [];
        }
    }

    /// <summary>The segment with a number, or null.</summary>
    public SegmentEntry? Find(long number) => IndexOf(Entries, number) is >= 0 and var i ? Entries[i]
        : IndexOf(Refresh(), number) is >= 0 and var j ? Entries[j]
        : null;

    /// <summary>The segment with a number as it is now, by a look at the directories; null when it is not there.</summary>
    /// <exception cref="JournalException">It may be in a directory that cannot be read.</exception>
    public SegmentEntry? FindAgain(long number)
    {
        var entries = Refresh();
        if (IndexOf(entries, number) is >= 0 and var i)
            return entries[i];
        if (number >= firstKept())
            RequireReachable();
        return null;
    }

    /// <summary>The first segment after a number; null when that is the last one.</summary>
    /// <exception cref="JournalException">There are others in between, in a directory that cannot be read.</exception>
    public SegmentEntry? After(long number)
    {
        var next = FirstAbove(Entries, number) ?? FirstAbove(Refresh(), number);
        if (Unreachable is null || next is null || next.Number <= Math.Max(number + 1, firstKept()))
            return next;

        next = FirstAbove(Refresh(), number);
        RequireReachable();
        return next;
    }

    /// <summary>The last segment before a number, or null.</summary>
    /// <exception cref="JournalException">There are others in between, in a directory that cannot be read.</exception>
    public SegmentEntry? Before(long number)
    {
        var before = LastBelow(Entries, number);
        if (Unreachable is null || before?.Number == number - 1 || number <= Math.Max(1, firstKept()))
            return before;

        before = LastBelow(Refresh(), number);
        RequireReachable();
        return before;
    }

    /// <summary>The entry of a segment has changed: another form, or another place.</summary>
    public void Replace(SegmentEntry entry)
    {
        lock (_gate)
        {
            var index = IndexOf(_entries, entry.Number);
            if (index >= 0)
                Volatile.Write(ref _entries, [.. _entries[..index], entry, .. _entries[(index + 1)..]]);
        }
    }

    public void Add(SegmentEntry entry)
    {
        lock (_gate)
        {
            var index = IndexOf(_entries, entry.Number);
            if (index >= 0)
                return;

            SegmentEntry[] entries = [.. _entries[..~index], entry, .. _entries[~index..]];
            Volatile.Write(ref _entries, entries);
        }
    }

    public void Remove(long number)
    {
        lock (_gate)
            Volatile.Write(ref _entries, [.. _entries.Where(entry => entry.Number != number)]);
    }

    private static SegmentEntry? FirstAbove(IReadOnlyList<SegmentEntry> entries, long number)
    {
        var index = IndexOf(entries, number);
        index = index < 0 ? ~index : index + 1;
        return index < entries.Count ? entries[index] : null;
    }

    private static SegmentEntry? LastBelow(IReadOnlyList<SegmentEntry> entries, long number)
    {
        var index = IndexOf(entries, number);
        index = index < 0 ? ~index : index;
        return index > 0 ? entries[index - 1] : null;
    }

    private static int IndexOf(IReadOnlyList<SegmentEntry> entries, long number)
    {
        var (low, high) = (0, entries.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (entries[middle].Number == number)
                return middle;
            if (entries[middle].Number < number)
                low = middle + 1;
            else
                high = middle - 1;
        }

        return ~low;
    }
}
