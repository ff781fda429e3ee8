using Comet.Journals.Control;
using Comet.Journals.Records;

namespace Comet.Journals.Segments;

/// <summary>Reads a segment in the form it was written in: one window, the mapping. Takes over the caller's hold on the segment.</summary>
internal sealed unsafe class MappedSegmentReader(MappedSegment segment) : ISegmentReader
{
    private bool _released;

    public MappedSegment Segment => segment;

    public SegmentHeader Header => segment.Header;

    public string Path => segment.File.Path;

    public bool CanGrow => true;

    public SegmentWindow Open(long position) => new(segment.Start, segment.Layout.DataStart, segment.Layout.FileLength);

    public long FindBlock(long sequence)
    {
        // The entries rise; one that is 0 was never written, or its page was lost: the search goes on below it.
        var (low, high) = (1, segment.Layout.IndexEntries - 1);
        var best = segment.Layout.DataStart;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (Checked(middle) is { } entry && Header.FirstSequence + TailWord.Count(entry) <= sequence)
            {
                best = TailWord.Position(entry);
                low = middle + 1;
            }
            else
                high = middle - 1;
        }

        return best;
    }

    public long FindBlockBefore(long position)
    {
        for (var block = (int)(position >> SegmentLayout.BlockShift); block > 0; block--)
        {
            if (Checked(block) is { } entry && TailWord.Position(entry) <= position)
                return TailWord.Position(entry);
        }

        return segment.Layout.DataStart;
    }

    public ReadOnlyMemory<byte> Slice(long position, int length) => segment.Slice(position, length);

    public void Dispose()
    {
        if (_released)
            return;

        _released = true;
        segment.Release();
    }

    // An entry counts only when the record it points to is there and is the one it says.
    private ulong? Checked(int block)
    {
        var entry = segment.ReadIndex(block);
        var position = TailWord.Position(entry);
        if (entry == 0 || TailWord.Generation(entry) != segment.Generation
            || position < segment.Layout.DataStart || position > segment.Layout.DataEnd)
            return null;

        var record = segment.Start + position;
        var word = RecordLayout.Word(record);
        return RecordLayout.Kind(word) is RecordKind.Data or RecordKind.Mark or RecordKind.End
            && RecordLayout.IsPlausible(word, segment.Layout.FileLength - position)
            && RecordLayout.Sequence(record) == Header.FirstSequence + TailWord.Count(entry)
            && RecordLayout.IsIntact(segment.Seed, word, record) ? entry : null;
    }
}
