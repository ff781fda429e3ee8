using Comet.Journals.Records;

namespace Comet.Journals;

/// <summary>Where to begin to read: the first record, the end, a sequence, a time or a place. The default is the first record.</summary>
public readonly record struct JournalStart
{
    internal enum Kind
    {
        First,
        End,
        Sequence,
        Time,
        Position
    }

    private JournalStart(Kind what, long value, JournalPosition place = default)
    {
        What = what;
        Value = value;
        Place = place;
    }

    /// <summary>The first record that is kept.</summary>
    public static JournalStart First => default;

    /// <summary>Behind the last record that can be read now: only what comes after it is read.</summary>
    public static JournalStart End => new(Kind.End, 0);

    internal Kind What { get; }

    /// <summary>The sequence, or the time in <see cref="UnixTicks"/>.</summary>
    internal long Value { get; }

    internal JournalPosition Place { get; }

    /// <summary>The record with a sequence, or the first after it where that sequence was left out.</summary>
    public static JournalStart AtSequence(long sequence) => new(Kind.Sequence, sequence);

    /// <summary>The first record of a time or later.</summary>
    /// <remarks>Exact while timestamps rise. Each writer stamps by its own clock: where clocks differ or one was set back, records that are
    /// out of order by more than 64 KiB of the journal may be passed over.</remarks>
    public static JournalStart AtTime(DateTimeOffset time) => new(Kind.Time, UnixTicks.Of(time));

    /// <summary>The record at a place that an append or a reader gave, found without a search. When the place is not there any more, the
    /// same as its sequence.</summary>
    public static JournalStart AtPosition(JournalPosition position) => new(Kind.Position, position.Sequence, position);
}
