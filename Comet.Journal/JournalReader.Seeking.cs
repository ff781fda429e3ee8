using Comet.Journals.Indexing;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals;

public sealed unsafe partial class JournalReader
{
    // Of segments that were looked at while seeking; what is left of them when they are removed is next to nothing.
    private readonly Dictionary<long, long> _firstSequences = [];

    /// <summary>Goes to a record, in a time that grows with the logarithm of the journal's length. A sequence that was left out counts as
    /// the next one that was not.</summary>
    /// <returns>Whether it is there; whatever the result, the reader can go on from where it stands then.</returns>
    /// <exception cref="JournalException">The journal is damaged on the way.</exception>
    public JournalSeekResult Seek(JournalStart start)
    {
        RequireReadable();
        (_nextSequence, _readTo) = (0, Unknown);
        return start.What switch
        {
            JournalStart.Kind.First => SeekFirst(),
            JournalStart.Kind.End => SeekEnd(),
            JournalStart.Kind.Sequence => SeekSequence(start.Value),
            JournalStart.Kind.Time => SeekTime(start.Value),
            _ => SeekPosition(start.Place)
        };
    }

    /// <summary>The sequence of the next record, or, when there is none yet, the least it can have.</summary>
    internal long PeekSequence()
    {
        if (TryPeek())
            return RecordLayout.Sequence(_at);
        if (_segment is null)
            return 0;

        var last = TryReadBackward(out var record) ? record.Sequence : _segment.Header.FirstSequence - 1;
        while (TryPeek())
            Skip();
        return Math.Max(last + 1, _segment?.Header.FirstSequence ?? 0);
    }

    private JournalSeekResult SeekFirst()
    {
        _ = _state.Segments.Catalog.Refresh();
        Leave();
        return TryPeek() ? JournalSeekResult.Found : JournalSeekResult.BeyondEnd;
    }

    private JournalSeekResult SeekEnd()
    {
        var entries = _state.Segments.Catalog.Refresh();
        if (entries.Count > 0 && TryEnter(entries[^1]))
            _ = TryMoveTo(_segment!.Find(new IndexGoal(IndexColumn.Position, long.MaxValue)));
        while (TryPeek())
            Skip();
        return JournalSeekResult.BeyondEnd;
    }

    private JournalSeekResult SeekSequence(long sequence)
    {
        // Segments come behind the last one and go from the front: what lies between two that are known needs no look at the directories.
        var entries = _state.Segments.Catalog.Entries;
        var index = LastWhere(entries, entry => FirstSequenceOf(entry) <= sequence);
        if (index < 0 || index == entries.Count - 1 || !TryEnterKnown(entries[index]))
        {
            _firstSequences.Clear();
            entries = _state.Segments.Catalog.Refresh();
            index = LastWhere(entries, entry => FirstSequenceOf(entry) <= sequence);
        }
        if (index < 0)
            return SeekFirst() == JournalSeekResult.Found ? JournalSeekResult.BeforeFirst : JournalSeekResult.BeyondEnd;

        if (_number != entries[index].Number && !TryEnter(entries[index]))
            return SeekFirst() == JournalSeekResult.Found ? JournalSeekResult.BeforeFirst : JournalSeekResult.BeyondEnd;

        _ = TryMoveTo(_segment!.Find(new IndexGoal(IndexColumn.Sequence, sequence)));
        _nextSequence = sequence;
        if (TryPeek())
            return JournalSeekResult.Found;

        // What comes next is never passed over in silence, even if its sequence is lower.
        _nextSequence = 0;
        return JournalSeekResult.BeyondEnd;
    }

    private JournalSeekResult SeekTime(long time)
    {
        var entries = _state.Segments.Catalog.Refresh();
        var index = LastWhere(entries, entry => BeginsBefore(entry, time));
        if (index < 0 || !TryEnter(entries[index]))
        {
            return SeekFirst() == JournalSeekResult.BeyondEnd ? JournalSeekResult.BeyondEnd
                : entries[0].Number > 1 && RecordLayout.Timestamp(_at) > time ? JournalSeekResult.BeforeFirst
                : JournalSeekResult.Found;
        }

        _ = TryMoveTo(_segment!.Find(new IndexGoal(IndexColumn.Time, time)));
        while (TryPeek())
        {
            if (RecordLayout.Timestamp(_at) >= time)
                return JournalSeekResult.Found;
            Skip();
        }

        return JournalSeekResult.BeyondEnd;
    }

    private JournalSeekResult SeekPosition(JournalPosition place)
    {
        if (_state.Segments.Catalog.Find(place.Segment) is { } entry && TryEnter(entry)
            && place.FilePosition % RecordLayout.Alignment == 0
            && place.FilePosition >= _segment!.Header.Layout.DataStart && place.FilePosition < _segment.Header.Layout.DataEnd
            && TryMoveTo(place.FilePosition))
        {
            var word = RecordLayout.Word(_at);
            if (RecordLayout.Kind(word) == RecordKind.Data && RecordLayout.IsPlausible(word, _limit - _at)
                && RecordLayout.IsIntact(_seed, word, _at) && RecordLayout.Sequence(_at) == place.Sequence)
                return JournalSeekResult.Found;
        }

        return SeekSequence(place.Sequence);
    }

    // Segments that were removed meanwhile come before all others.
    private long FirstSequenceOf(SegmentEntry entry)
    {
        if (_firstSequences.TryGetValue(entry.Number, out var known))
            return known;
        using var segment = TryOpen(entry);
        var first = segment?.Header.FirstSequence ?? long.MinValue;
        if (segment is not null)
            _firstSequences[entry.Number] = first;
        return first;
    }

    /// <summary>Goes into a segment, or stays in it; false when it is there no more, or another one with its number is.</summary>
    private bool TryEnterKnown(SegmentEntry entry) => (_segment is not null && _number == entry.Number || TryEnter(entry))
        && _segment!.Header.FirstSequence == _firstSequences[entry.Number];

    private bool BeginsBefore(SegmentEntry entry, long time) =>
        entry.CycleStart <= time && (!TryEnter(entry) || (TryPeek() && RecordLayout.Timestamp(_at) < time));

    private static int LastWhere(IReadOnlyList<SegmentEntry> entries, Func<SegmentEntry, bool> condition)
    {
        var (low, high) = (0, entries.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (condition(entries[middle]))
                low = middle + 1;
            else
                high = middle - 1;
        }

        return high;
    }
}
