using Comet.Journals.Indexing;

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

    public long Find(IndexGoal goal) => segment.Index.Find(goal);

    public ReadOnlyMemory<byte> Slice(long position, int length) => segment.Slice(position, length);

    public void Dispose()
    {
        if (_released)
            return;

        _released = true;
        segment.Release();
    }
}
