namespace Comet.Server.Broker;

/// <summary>A set of offsets as sorted ranges that neither touch nor overlap. Allocates only to grow.</summary>
internal sealed class OffsetRangeSet
{
    private readonly List<OffsetRange> _ranges = [];

    /// <summary>How many offsets are in the set.</summary>
    public long Count { get; private set; }

    public int RangeCount => _ranges.Count;

    public OffsetRange this[int index] => _ranges[index];

    /// <summary>Adds a range and returns how many of its offsets were not in the set.</summary>
    public long Add(OffsetRange range)
    {
        // The ranges from low to high - 1 touch or overlap the new one; it takes their place.
        var low = FirstEndingAtOrAfter(range.First - 1);
        var high = low;
        var merged = range;
        var known = 0L;
        for (; high < _ranges.Count && _ranges[high].First <= range.Last + 1; high++)
        {
            known += _ranges[high].Count;
            merged = new(Math.Min(merged.First, _ranges[high].First), Math.Max(merged.Last, _ranges[high].Last));
        }
        if (high == low)
        {
            _ranges.Insert(low, merged);
        }
        else
        {
            _ranges[low] = merged;
            _ranges.RemoveRange(low + 1, high - low - 1);
        }
        var added = merged.Count - known;
        Count += added;
        return added;
    }

    /// <summary>Takes the first range out of the set when it begins at or below <paramref name="offset"/>.</summary>
    public bool TryTakeFirstAt(long offset, out OffsetRange range)
    {
        range = default;
        if (_ranges.Count == 0 || _ranges[0].First > offset)
            return false;
        range = _ranges[0];
        Count -= range.Count;
        _ranges.RemoveAt(0);
        return true;
    }

    /// <summary>From <paramref name="offset"/> on, the first offset that is not in the set, and how far the gap goes.</summary>
    public OffsetRange NextGap(long offset)
    {
        var index = FirstEndingAtOrAfter(offset);
        if (index < _ranges.Count && _ranges[index].First <= offset)
        {
            offset = _ranges[index].Last + 1;
            index++;
        }
        return new(offset, index < _ranges.Count ? _ranges[index].First - 1 : long.MaxValue);
    }

    public void Clear()
    {
        _ranges.Clear();
        Count = 0;
    }

    private int FirstEndingAtOrAfter(long offset)
    {
        var (low, high) = (0, _ranges.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].Last < offset)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}
