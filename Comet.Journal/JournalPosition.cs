namespace Comet.Journals;

/// <summary>Where a record is. Its sequence stays its address for ever; the segment and the byte are where it was when this was
/// made.</summary>
/// <param name="Sequence">The number of the record: one more than that of the record before it, except that the sequences of writers that
/// died in the middle of an append are left out. The first record of a journal has sequence 0.</param>
/// <param name="Segment">The number of the segment it is in; the first is 1.</param>
/// <param name="FilePosition">The byte of the segment where the record begins.</param>
public readonly record struct JournalPosition(long Sequence, long Segment, long FilePosition) : IComparable<JournalPosition>
{
    /// <summary>Whether one record is before another.</summary>
    public static bool operator <(JournalPosition left, JournalPosition right) => left.Sequence < right.Sequence;

    /// <summary>Whether one record is after another.</summary>
    public static bool operator >(JournalPosition left, JournalPosition right) => left.Sequence > right.Sequence;

    /// <summary>Whether one record is before another or the same.</summary>
    public static bool operator <=(JournalPosition left, JournalPosition right) => left.Sequence <= right.Sequence;

    /// <summary>Whether one record is after another or the same.</summary>
    public static bool operator >=(JournalPosition left, JournalPosition right) => left.Sequence >= right.Sequence;

    /// <inheritdoc />
    public int CompareTo(JournalPosition other) => Sequence.CompareTo(other.Sequence);
}
