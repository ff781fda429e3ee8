using Comet.Journals.Segments;

namespace Comet.Journals.Reading;

/// <summary>Where a reader found nothing. It holds the memory while it waits.</summary>
/// <param name="word">The word that becomes other than zero when something is published; null when it is not known where that will
/// be.</param>
/// <param name="segment">The segment it is in, where a writer may have died; or null.</param>
/// <param name="position">Where in the segment.</param>
internal readonly unsafe struct WaitTarget(byte* word, MappedSegment? segment, long position)
{
    public MappedSegment? Segment { get; } = segment;

    public long Position { get; } = position;

    public bool IsKnown => word != null;

    public bool IsPublished => word != null && Volatile.Read(ref *(uint*)word) != 0;
}
