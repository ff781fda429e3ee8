namespace Comet.Journals.Segments;

/// <summary>Memory with whole records of a segment: the byte at position p is <c>Origin[p]</c>, for p from <c>From</c> up to, not
/// including, <c>To</c>. Valid until the reader it came from gives the next window or is disposed.</summary>
internal readonly unsafe struct SegmentWindow(byte* origin, long from, long to)
{
    /// <summary>Where position 0 of the segment would be.</summary>
    public byte* Origin { get; } = origin;

    public long From { get; } = from;

    public long To { get; } = to;

    public bool Contains(long position) => position >= From && position < To;
}
