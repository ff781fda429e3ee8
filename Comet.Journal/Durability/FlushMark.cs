using Comet.Journals.Segments;

namespace Comet.Journals.Durability;

/// <summary>Up to where a flush makes the journal durable.</summary>
/// <param name="Place">The end of the mark it ends with, or the end mark of a segment that is over.</param>
/// <param name="Sequence">The first sequence after it.</param>
/// <param name="Before">A tail word: whatever was claimed before it has to be published before the flush begins.</param>
/// <param name="IsSegmentOver">Whether it is a segment's end mark, whose position is to be looked up then.</param>
internal readonly record struct FlushMark(JournalPlace Place, long Sequence, ulong Before, bool IsSegmentOver);
