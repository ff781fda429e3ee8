using Comet.Journals.FileSystem;
using Comet.Journals.Packing;
using Comet.Journals.Segments;

namespace Comet.Journals.Maintenance;

/// <summary>What maintenance has to know of a sealed segment.</summary>
/// <param name="LastTime">The time of its last record; 0 when there is none.</param>
/// <param name="IsEncrypted">Whether it is encrypted.</param>
/// <param name="Length">How long its file is.</param>
internal sealed record SegmentFacts(long LastTime, bool IsEncrypted, long Length);

/// <summary>Finds out what maintenance has to know, once for each file.</summary>
internal sealed class SegmentFactsCache(SegmentStore store)
{
    private readonly Lock _gate = new();
    private Dictionary<string, SegmentFacts> _known = new(StringComparer.Ordinal);

    public SegmentFacts Of(SegmentEntry entry)
    {
        lock (_gate)
        {
            if (_known.TryGetValue(entry.Path, out var known))
                return known;
        }

        var facts = Read(entry);
        lock (_gate)
            _known[entry.Path] = facts;
        return facts;
    }

    /// <summary>As the file is now.</summary>
    public SegmentFacts Read(SegmentEntry entry)
    {
        using var file = store.Files.Open(entry.Path, FileOpening.Read);
        if (entry.Form.Length > 0)
        {
            var (header, trailer) = PackedFile.Peek(store.Files, entry.Path);
            return new SegmentFacts(trailer.LastTime, header.KeyId is not null, file.Length);
        }

        using var segment = new MappedSegmentReader(MappedSegment.Open(store.Files, entry.Path, writable: false), isOver: true);
        return new SegmentFacts(SegmentCheck.LastTime(segment), false, file.Length);
    }

    public void Forget(string path)
    {
        lock (_gate)
            _known.Remove(path);
    }

    /// <summary>Forgets files that are there no more.</summary>
    public void Keep(IEnumerable<SegmentEntry> entries)
    {
        var paths = entries.Select(entry => entry.Path).ToHashSet(StringComparer.Ordinal);
        lock (_gate)
            _known = _known.Where(each => paths.Contains(each.Key)).ToDictionary(StringComparer.Ordinal);
    }
}
