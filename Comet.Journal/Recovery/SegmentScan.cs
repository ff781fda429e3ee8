using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Recovery;

/// <summary>Reads what is in a segment that nobody writes: how far it is whole, what comes after that, and up to where its marks say
/// that the journal is durable.</summary>
internal sealed unsafe class SegmentScan
{
    private readonly MappedSegment _segment;
    private readonly RecordSearch _search;

    private SegmentScan(MappedSegment segment, long from, long expectedSequence)
    {
        _segment = segment;
        _search = new RecordSearch(segment.Start, segment.Layout.FileLength, segment.Header);
        From = from;
        IsSequenceKnown = from == segment.Layout.DataStart;
        End = from;
        NextSequence = Math.Max(expectedSequence, segment.Header.FirstSequence);
    }

    public long From { get; }

    /// <summary>Records follow each other up to here.</summary>
    public long End { get; private set; }

    public long NextSequence { get; private set; }

    /// <summary>Whether <see cref="NextSequence"/> is more than a guess: what begins in the middle of a segment learns it from the first
    /// record.</summary>
    public bool IsSequenceKnown { get; private set; }

    /// <summary>The first sequence of the next segment, when this one has its end mark at <see cref="End"/>.</summary>
    public long? EndsWith { get; private set; }

    /// <summary>Where the last record a user appended begins, within what is whole, or -1.</summary>
    public long LastData { get; private set; } = -1;

    /// <summary>The first byte after <see cref="End"/> that is not zero, when there is no end mark; or -1.</summary>
    public long Rest { get; private set; } = -1;

    /// <summary>The greatest place that a mark, before or behind damage, says is durable.</summary>
    public JournalPlace Durable { get; private set; }

    public static SegmentScan Run(MappedSegment segment, long from, long expectedSequence)
    {
        var scan = new SegmentScan(segment, from, expectedSequence);
        scan.ReadWhole();
        if (scan.EndsWith is null)
            scan.ReadRest();
        return scan;
    }

    private void ReadWhole()
    {
        while (EndsWith is null && _search.TryRead(End, out var word))
        {
            var record = _segment.Start + End;
            if (RecordLayout.Kind(word) != RecordKind.Padding)
            {
                if (RecordLayout.Sequence(record) < NextSequence)
                    return;

                (NextSequence, IsSequenceKnown) = (RecordLayout.Sequence(record), true);
            }

            if (RecordLayout.Kind(word) == RecordKind.Data)
                (LastData, NextSequence) = (End, NextSequence + 1);
            else if (RecordLayout.Kind(word) == RecordKind.End)
            {
                EndsWith = RecordLayout.Sequence(record);
                return;
            }

            Note(word, record);
            End += RecordLayout.Size(word);
        }
    }

    // Only for the marks behind the damage: they tell whether what is damaged had been durable.
    private void ReadRest()
    {
        for (var at = End; _search.NextNonZero(at) is { } next;)
        {
            if (Rest < 0)
                Rest = next;
            if (_search.TryRead(next, out var word))
            {
                Note(word, _segment.Start + next);
                at = next + RecordLayout.Size(word);
            }
            else
                at = next + RecordLayout.Alignment;
        }
    }

    private void Note(uint word, byte* record)
    {
        if (RecordLayout.Kind(word) == RecordKind.Mark && RecordLayout.BodyLength(word) >= MarkBody.MinLength
            && MarkBody.Read(record).Place is var place && place > Durable)
            Durable = place;
    }
}
