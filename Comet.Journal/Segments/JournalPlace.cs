namespace Comet.Journals.Segments;

/// <summary>A byte of the journal: the number of a segment and a position in its file. Ordered as records are.</summary>
internal readonly record struct JournalPlace(long Segment, long Position) : IComparable<JournalPlace>
{
    public static bool operator <(JournalPlace left, JournalPlace right) => left.CompareTo(right) < 0;

    public static bool operator >(JournalPlace left, JournalPlace right) => left.CompareTo(right) > 0;

    public static bool operator <=(JournalPlace left, JournalPlace right) => left.CompareTo(right) <= 0;

    public static bool operator >=(JournalPlace left, JournalPlace right) => left.CompareTo(right) >= 0;

    public int CompareTo(JournalPlace other) =>
        Segment != other.Segment ? Segment.CompareTo(other.Segment) : Position.CompareTo(other.Position);
}
