using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Recovery;

/// <summary>Reads what is in a segment that nobody writes: how far it is whole, what comes after that, and up to where its marks say
/// that the journal is durable.</summary>
internal sealed unsafe class SegmentScan
{
    private const long MaxSequences = 1L << 26;

    private readonly MappedSegment _segment;

    private SegmentScan(MappedSegment segment, long from, long expectedSequence)
    {
        _segment = segment;
        From = from;
        End = from;
        NextSequence = Math.Max(expectedSequence, segment.Header.FirstSequence);
    }

    public long From { get; }

    /// <summary>Records follow each other up to here.</summary>
    public long End { get; private set; }

    public long NextSequence { get; private set; }

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

    /// <summary>Where the first whole record is behind a place, other than zeros, or null.</summary>
    public static long? FindWhole(MappedSegment segment, long from, long expectedSequence)
    {
        var scan = new SegmentScan(segment, from, expectedSequence);
        for (var at = from; scan.NextNonZero(at) is { } next; at = next + RecordLayout.Alignment)
        {
            if (scan.TryRead(next, out var word) && RecordLayout.Kind(word) != RecordKind.Padding
                && RecordLayout.Sequence(segment.Start + next) >= expectedSequence)
                return next;
        }

        return null;
    }

    private void ReadWhole()
    {
        while (EndsWith is null && TryRead(End, out var word))
        {
            var record = _segment.Start + End;
            if (RecordLayout.Kind(word) != RecordKind.Padding)
            {
                if (RecordLayout.Sequence(record) < NextSequence)
                    return;

                NextSequence = RecordLayout.Sequence(record);
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
        for (var at = End; NextNonZero(at) is { } next;)
        {
            if (Rest < 0)
                Rest = next;
            if (TryRead(next, out var word))
            {
                Note(word, _segment.Start + next);
                at = next + RecordLayout.Size(word);
            }
            else
                at = next + RecordLayout.Alignment;
        }
    }

    /// <summary>The first 8 bytes, from a position on, that are not all zero, or null.</summary>
    private long? NextNonZero(long at)
    {
        if (at >= _segment.Layout.FileLength)
            return null;

        var next = new ReadOnlySpan<byte>(_segment.Start + at, (int)(_segment.Layout.FileLength - at)).IndexOfAnyExcept((byte)0);
        return next < 0 ? null : Math.Max(at, (at + next) & ~(long)(RecordLayout.Alignment - 1));
    }

    private void Note(uint word, byte* record)
    {
        if (RecordLayout.Kind(word) == RecordKind.Mark && RecordLayout.BodyLength(word) >= MarkBody.MinLength
            && MarkBody.Read(record).Place is var place && place > Durable)
            Durable = place;
    }

    private bool TryRead(long position, out uint word)
    {
        word = 0;
        var room = _segment.Layout.FileLength - position;
        if (room < RecordLayout.HeaderLength)
            return false;

        var record = _segment.Start + position;
        word = RecordLayout.Word(record);
        if (!RecordLayout.IsPlausible(word, room))
            return false;

        var sequence = RecordLayout.Sequence(record) - _segment.Header.FirstSequence;
        return (RecordLayout.Kind(word) == RecordKind.Padding || sequence is >= 0 and <= MaxSequences)
            && RecordLayout.IsIntact(_segment.Seed, word, record);
    }
}
