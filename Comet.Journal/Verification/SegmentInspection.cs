using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Verification;

/// <summary>Reads a segment from its first record to its last, over whatever is damaged in between.</summary>
internal sealed unsafe class SegmentInspection
{
    private readonly RecordSearch _search;
    private readonly List<DamagedRange> _ranges = [];
    private long _sequence;

    private SegmentInspection(RecordSearch search, long firstSequence)
    {
        _search = search;
        _sequence = firstSequence;
    }

    /// <summary>Where no whole record is, in order. The last one reaches to the end of the bytes when nothing whole is behind it.</summary>
    public IReadOnlyList<DamagedRange> Ranges => _ranges;

    /// <summary>Behind the last whole record; of an end mark, where it begins.</summary>
    public long End { get; private set; }

    /// <summary>The first sequence of the next segment, when this one has its end mark.</summary>
    public long? EndsWith { get; private set; }

    public long NextSequence => _sequence;

    public long Records { get; private set; }

    /// <summary>The greatest place that a mark says is durable, and the first sequence behind it.</summary>
    public (JournalPlace Place, long Sequence) Durable { get; private set; }

    /// <param name="search">The bytes.</param>
    /// <param name="from">Where the first record should begin.</param>
    /// <param name="firstSequence">The least sequence it may have.</param>
    public static SegmentInspection Run(RecordSearch search, long from, long firstSequence)
    {
        var inspection = new SegmentInspection(search, firstSequence);
        inspection.Read(from);
        return inspection;
    }

    /// <summary>What a packed segment has, which is over and durable: its damage is told by block.</summary>
    public static SegmentInspection OfPacked(long records, long nextSequence, long? endsWith) =>
        new(default, nextSequence) { Records = records, EndsWith = endsWith };

    private void Read(long from)
    {
        End = from;
        while (EndsWith is null)
        {
            if (TryReadWhole(End, out var word))
                Take(word);
            else if (_search.NextNonZero(End) is null || !TryPass(word == 0))
                return;
        }
    }

    private bool TryReadWhole(long position, out uint word) => _search.TryRead(position, out word)
        && (RecordLayout.Kind(word) == RecordKind.Padding || RecordLayout.Sequence(_search.Start + position) >= _sequence);

    private void Take(uint word)
    {
        var record = _search.Start + End;
        var kind = RecordLayout.Kind(word);
        if (kind != RecordKind.Padding)
            _sequence = RecordLayout.Sequence(record);
        if (kind == RecordKind.End)
        {
            EndsWith = _sequence;
            return;
        }

        if (kind == RecordKind.Data)
            (Records, _sequence) = (Records + 1, _sequence + 1);
        else if (kind == RecordKind.Mark && RecordLayout.BodyLength(word) >= MarkBody.MinLength
            && MarkBody.Read(record) is var mark && mark.Place > Durable.Place)
            Durable = mark;
        End += RecordLayout.Size(word);
    }

    /// <summary>Goes to the next whole record; false when there is none.</summary>
    /// <param name="isUnpublished">Whether nothing was published there when it was looked at: a writer may publish it right now.</param>
    private bool TryPass(bool isUnpublished)
    {
        // No record is shorter than its header, and what takes the range's place will need one.
        var next = _search.NextWhole(End + RecordLayout.HeaderLength, _sequence);
        _ranges.Add(new DamagedRange(End, next ?? _search.Length, isUnpublished, _sequence,
            next is { } found ? RecordLayout.Sequence(_search.Start + found) : null));
        End = next ?? End;
        return next is not null;
    }
}
