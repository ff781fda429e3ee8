using Comet.Journals.Indexing;
using Comet.Journals.Packing;
using Comet.Journals.Records;

namespace Comet.Journals.Segments;

/// <summary>Reads a segment in the form it was written in. Takes over the caller's hold on the segment.</summary>
/// <param name="segment">The segment.</param>
/// <param name="isOver">Whether nothing is written to it any more: its pages are then had ready for reading, many at a time. Those of the
/// active one must not be, they would be write-protected for its writers.</param>
/// <param name="resting">Where it goes afterwards; null: it is let go of.</param>
internal sealed unsafe class MappedSegmentReader(MappedSegment segment, bool isOver, RestingSegments? resting = null) : ISegmentReader
{
    // One call has 512 pages ready; the faults it saves are 32 or more. Who has jumped may want one record: he gets less at first.
    private const long WindowLength = 2L << 20;
    private const long FirstWindowLength = 2 * PackedBlock.TargetLength;

    // The disk is told of so much beyond the window, and reads it while that is dealt with.
    private const long DiskAhead = 2 * WindowLength;

    private bool _released;
    private long _from;
    private long _to;
    private long _length = FirstWindowLength;

    public MappedSegment Segment => segment;

    public SegmentHeader Header => segment.Header;

    public string Path => segment.File.Path;

    public bool CanGrow => true;

    /// <summary>Whether the memory of what was read is let go of, and the disk is told ahead what comes: for who reads much
    /// once.</summary>
    public bool ReadsOnce { get; init; }

    public SegmentWindow Open(long position)
    {
        var end = segment.Layout.FileLength;
        if (isOver && position < end)
        {
            var record = RecordLayout.Size(RecordLayout.Word(segment.Start + position));
            // Who goes from record to record, as when reading backward, has each of them opened: that costs no call. But what is given is
            // never less than a block that is to be packed.
            if (position < _from || (_to < end && position + Math.Max(record, PackedBlock.TargetLength) > _to))
            {
                Forget(position);
                var goesOn = position >= _from && position <= _to && _to > 0;
                _length = goesOn ? Math.Min(WindowLength, 2 * _length) : FirstWindowLength;
                (_from, _to) = (position, Math.Min(end, position + Math.Max(_length, record)));
                if (ReadsOnce)
                    segment.WillRead(_to, Math.Min(end - _to, DiskAhead));
                segment.PopulateToRead(position, _to - position);
            }

            end = _to;
        }

        return new SegmentWindow(segment.Start, segment.Layout.DataStart, end);
    }

    public long Find(IndexGoal goal) => segment.Index.Find(goal);

    public ReadOnlyMemory<byte> Slice(long position, int length) => segment.Slice(position, length);

    public void Dispose()
    {
        if (_released)
            return;

        _released = true;
        Forget(segment.Layout.FileLength);
        if (isOver && resting is not null)
            resting.Add(segment);
        else
            segment.Release();
    }

    /// <summary>Lets go of the window, as far as it is before a position or behind it.</summary>
    private void Forget(long position)
    {
        if (!ReadsOnce || _to == 0)
            return;
        // The record that reaches beyond the window begins in its last pages.
        var to = position >= _from && position < _to ? position : _to;
        segment.Forget(_from, to - _from);
    }
}
