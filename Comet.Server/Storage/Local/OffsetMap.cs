namespace Comet.Server.Storage.Local;

/// <summary>Some batches of a journal with their place in it, so that the search for an offset begins near. A hint: it may hold any of
/// them, or none.</summary>
internal sealed class OffsetMap
{
    /// <summary>How many batches are remembered: 16 KiB for each open partition at the most.</summary>
    public const int MaxPoints = 1024;

    private readonly List<OffsetPoint> _points = [];
    private int _batchesPerPoint = 1;
    private int _sincePoint;

    /// <summary>How many are remembered.</summary>
    public int Count => _points.Count;

    /// <summary>A batch was appended behind all others. Every so often it is remembered.</summary>
    public void Appended(long baseOffset, long sequence)
    {
        if (++_sincePoint < _batchesPerPoint)
            return;
        _sincePoint = 0;
        if (_points.Count == MaxPoints)
            Thin();
        _points.Add(new(baseOffset, sequence));
    }

    /// <summary>A batch was found by searching.</summary>
    public void Found(long baseOffset, long sequence)
    {
        var index = IndexAfter(baseOffset);
        if (_points.Count == MaxPoints || (index > 0 && _points[index - 1].BaseOffset == baseOffset))
            return;
        _points.Insert(index, new(baseOffset, sequence));
    }

    /// <summary>The nearest batches known that begin at or before an offset, and behind it.</summary>
    public (OffsetPoint? Before, OffsetPoint? After) Around(long offset)
    {
        var index = IndexAfter(offset);
        return (index > 0 ? _points[index - 1] : null, index < _points.Count ? _points[index] : null);
    }

    /// <summary>Batches below an offset are gone.</summary>
    public void Truncated(long startOffset) => _points.RemoveRange(0, IndexAfter(startOffset - 1));

    private void Thin()
    {
        var kept = 0;
        for (var i = 0; i < _points.Count; i += 2)
            _points[kept++] = _points[i];
        _points.RemoveRange(kept, _points.Count - kept);
        _batchesPerPoint *= 2;
    }

    /// <summary>The index of the first point that begins behind an offset.</summary>
    private int IndexAfter(long offset)
    {
        var (low, high) = (0, _points.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_points[middle].BaseOffset <= offset)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}

/// <summary>Where a batch is: its first offset, and the sequence of its record in the journal.</summary>
internal readonly record struct OffsetPoint(long BaseOffset, long Sequence);
