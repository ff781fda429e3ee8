namespace Comet.Server.Broker;

/// <summary>The progress of a subscription in one partition: all below <see cref="AckedUpTo"/> is acked, and some ranges above
/// it.</summary>
internal sealed class Cursor(long start)
{
    private readonly OffsetRangeSet _acked = new();

    /// <summary>The first offset that is not acked.</summary>
    public long AckedUpTo { get; private set; } = start;

    /// <summary>How many offsets at or above <see cref="AckedUpTo"/> are acked.</summary>
    public long AckedAbove => _acked.Count;

    /// <summary>How many separate ranges are acked above <see cref="AckedUpTo"/>.</summary>
    public int RangeCount => _acked.RangeCount;

    /// <summary>Acks a range; returns how many of its offsets were not acked before.</summary>
    public long Ack(OffsetRange range)
    {
        if (range.Last < AckedUpTo)
            return 0;
        var added = _acked.Add(new(Math.Max(range.First, AckedUpTo), range.Last));
        if (_acked.TryTakeFirstAt(AckedUpTo, out var first))
            AckedUpTo = first.Last + 1;
        return added;
    }

    /// <summary>Moves up to the first message that is kept, when what is below it is gone.</summary>
    public void SkipTo(long offset)
    {
        if (offset > AckedUpTo)
            Ack(new(AckedUpTo, offset - 1));
    }

    /// <summary>From <paramref name="offset"/> on, the next stretch of offsets that are not acked.</summary>
    public OffsetRange NextUnacked(long offset) => _acked.NextGap(Math.Max(offset, AckedUpTo));

    public bool IsAcked(long offset) => offset < AckedUpTo || _acked.NextGap(offset).First != offset;
}
