namespace Comet.Journals.Places;

/// <summary>Where a named reader goes on. The salt tells the segment from another one of the same number, which recovery begins when a
/// power
/// cut took the first away.</summary>
/// <param name="Segment">The number of the segment.</param>
/// <param name="Salt">The salt of the segment.</param>
/// <param name="Position">Where a record begins in it, at or shortly before the next.</param>
/// <param name="NextSequence">Records with a lower sequence from there on have been dealt with.</param>
/// <param name="Time">When the place was committed, in 100 ns since 1970.</param>
internal readonly record struct ReaderPlace(long Segment, uint Salt, long Position, long NextSequence, long Time)
{
    public static ReaderPlace From(ReadOnlySpan<long> values) =>
        new(values[0], (uint)values[1], values[2], values[3], values[4]);

    public void CopyTo(Span<long> values) =>
        (values[0], values[1], values[2], values[3], values[4]) = (Segment, Salt, Position, NextSequence, Time);
}
