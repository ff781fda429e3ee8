namespace Comet.Client.Consuming;

/// <summary>Gathers the offsets that are to be acked, as ranges. Not thread-safe.</summary>
internal sealed class AckBuffer
{
    private readonly List<(long First, long Last)> _ranges = [];
    private bool _isSorted = true;

    /// <summary>How many messages were added.</summary>
    public int Count { get; private set; }

    /// <summary>How many ranges they are, before any are joined.</summary>
    public int RangeCount => _ranges.Count;

    public void Add(long first, long last)
    {
        Count += (int)(last - first + 1);
        if (_ranges.Count == 0)
        {
            _ranges.Add((first, last));
            return;
        }
        var top = _ranges[^1];
        if (first == top.Last + 1)
            _ranges[^1] = (top.First, last);
        else
        {
            _isSorted &= first > top.Last;
            _ranges.Add((first, last));
        }
    }

    /// <summary>Takes everything out, as pairs of first and last offset, joined where they touch.</summary>
    public long[] Take()
    {
        if (!_isSorted)
            SortAndJoin();
        var pairs = new long[_ranges.Count * 2];
        for (var i = 0; i < _ranges.Count; i++)
            (pairs[2 * i], pairs[(2 * i) + 1]) = _ranges[i];
        Clear();
        return pairs;
    }

    public void Clear()
    {
        _ranges.Clear();
        _isSorted = true;
        Count = 0;
    }

    private void SortAndJoin()
    {
        _ranges.Sort();
        var kept = 0;
        for (var i = 1; i < _ranges.Count; i++)
        {
            if (_ranges[i].First <= _ranges[kept].Last + 1)
                _ranges[kept] = (_ranges[kept].First, Math.Max(_ranges[kept].Last, _ranges[i].Last));
            else
                _ranges[++kept] = _ranges[i];
        }
        _ranges.RemoveRange(kept + 1, _ranges.Count - kept - 1);
    }
}
