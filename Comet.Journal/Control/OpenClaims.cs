using Comet.Journals.FileSystem;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Control;

/// <summary>What lies behind claims whose writers have not published them, by the slots in <c>journal.control</c>, for who only
/// reads.</summary>
internal static unsafe class OpenClaims
{
    /// <summary>Where the next whole record is behind the claim at a place; null when there is none in the segment. Of a batch that is
    /// not published as a whole nothing is found: its last records are there before its first.</summary>
    /// <param name="control">The control file of this session.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="position">Where nothing is published.</param>
    /// <param name="sequence">The sequence that comes next at the earliest.</param>
    public static long? FindBehind(IJournalFile control, MappedSegment segment, long position, long sequence) =>
        new RecordSearch(segment.Start, segment.Layout.FileLength, segment.Header)
            .NextWhole(EndOf(control, segment, position) ?? position, sequence);

    // A writer that has not said where its claim is has written nothing.
    private static long? EndOf(IJournalFile control, MappedSegment segment, long position)
    {
        foreach (var (intent, claim) in ControlFile.ReadClaims(control))
        {
            if (intent != 0 && claim != 0 && TailWord.Generation(claim) == segment.Generation && TailWord.Position(claim) == position)
                return Math.Min(position + (long)intent, segment.Layout.FileLength);
        }

        return null;
    }
}
