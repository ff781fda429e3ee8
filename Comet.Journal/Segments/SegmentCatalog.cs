using Comet.Journals.FileSystem;

namespace Comet.Journals.Segments;

/// <summary>One segment as the directory shows it: its number, the start of its cycle to the second, where it is and in which form
/// ("" for the form it was written in).</summary>
internal sealed record SegmentEntry(long Number, long CycleStart, string Path, string Form);

/// <summary>Which segments there are, in order. The directories are read again when a segment is asked for that is not
/// known.</summary>
internal sealed class SegmentCatalog(IFileSystem files, IReadOnlyList<string> directories, Func<long> firstKept)
{
    /// <summary>The end of the name of a segment that recovery took out of the journal.</summary>
    public const string CutSuffix = ".cut";

    private readonly Lock _gate = new();
    private SegmentEntry[] _entries = [];

    /// <summary>What is known, in order, without looking at the directories.</summary>
    public IReadOnlyList<SegmentEntry> Entries => Volatile.Read(ref _entries);

    public IReadOnlyList<SegmentEntry> Refresh()
    {
        lock (_gate)
        {
            // Of two forms of a segment, which exist together for a moment when one replaces the other, the first directory's counts.
            var found = new SortedDictionary<long, SegmentEntry>();
            var first = firstKept();
            foreach (var directory in directories)
            {
                foreach (var name in files.List(directory))
                {
                    if (SegmentName.TryParse(name, out var number, out var cycleStart, out var form) && number >= first
                        && !form.EndsWith(".tmp", StringComparison.Ordinal) && !form.EndsWith(CutSuffix, StringComparison.Ordinal))
                        found.TryAdd(number, new SegmentEntry(number, cycleStart, Path.Combine(directory, name), form));
                }
            }

            var entries = found.Values.ToArray();
            Volatile.Write(ref _entries, entries);
            return entries;
        }
    }

    /// <summary>The segment with a number, or null.</summary>
    public SegmentEntry? Find(long number) => IndexOf(Entries, number) is >= 0 and var i ? Entries[i]
        : IndexOf(Refresh(), number) is >= 0 and var j ? Entries[j]
        : null;

    /// <summary>The first segment after a number; null when that is the last one.</summary>
    public SegmentEntry? After(long number) => FirstAbove(Entries, number) ?? FirstAbove(Refresh(), number);

    /// <summary>The last segment before a number, or null.</summary>
    public SegmentEntry? Before(long number)
    {
        var entries = Entries;
        var index = IndexOf(entries, number);
        index = index < 0 ? ~index : index;
        return index > 0 ? entries[index - 1] : null;
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
