namespace Comet.Journals.Segments;

/// <summary>Sealed segments that a reader has left and another one is likely to want: their mappings stay for a while, with their pages, up
/// to a limit. What is removed, also by another process, takes its space on the disk for as long as it rests here.</summary>
internal sealed class RestingSegments : IDisposable
{
    /// <summary>How much a journal keeps mapped that nobody reads: two of the largest segments.</summary>
    public const long MaxBytes = 128L << 20;

    private readonly Lock _gate = new();
    private readonly LinkedList<MappedSegment> _segments = new();
    private long _bytes;
    private long _goneTo;
    private bool _closed;

    /// <summary>Takes over the hold of a reader that leaves.</summary>
    public void Add(MappedSegment segment)
    {
        var over = new List<MappedSegment>();
        lock (_gate)
        {
            // The file of one that a reader was in when it went takes its space for as long as it is mapped.
            var isKept = !_closed && segment.Number > _goneTo;
            if (!isKept || _segments.Remove(segment))
            {
                over.Add(segment);
                _bytes -= isKept ? segment.Layout.FileLength : 0;
            }

            if (isKept)
            {
                _segments.AddLast(segment);
                _bytes += segment.Layout.FileLength;
            }

            while (_bytes > MaxBytes)
                over.Add(TakeFirst());
        }

        foreach (var each in over)
            each.Release();
    }

    /// <summary>Lets go of a segment whose file goes. It does not rest again, nor do those before it, whose files have gone as a
    /// rule.</summary>
    public void Drop(long number)
    {
        MappedSegment? dropped;
        lock (_gate)
        {
            _goneTo = Math.Max(_goneTo, number);
            dropped = _segments.FirstOrDefault(segment => segment.Number == number);
            if (dropped is null)
                return;

            _segments.Remove(dropped);
            _bytes -= dropped.Layout.FileLength;
        }

        dropped.Release();
    }

    /// <summary>Lets go of all.</summary>
    public void Clear()
    {
        var all = new List<MappedSegment>();
        lock (_gate)
        {
            while (_segments.Count > 0)
                all.Add(TakeFirst());
        }

        foreach (var each in all)
            each.Release();
    }

    /// <summary>Lets go of all, and keeps nothing from now on.</summary>
    public void Dispose()
    {
        lock (_gate)
            _closed = true;
        Clear();
    }

    private MappedSegment TakeFirst()
    {
        var first = _segments.First!.Value;
        _segments.RemoveFirst();
        _bytes -= first.Layout.FileLength;
        return first;
    }
}
