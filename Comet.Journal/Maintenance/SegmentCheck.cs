using Comet.Journals.Indexing;
using Comet.Journals.Packing;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Maintenance;

/// <summary>Reads a sealed segment from its first record to its end mark, in any form.</summary>
internal static unsafe class SegmentCheck
{
    /// <summary>Checks every record.</summary>
    /// <exception cref="JournalException">One is not what was written, or there is no end mark; it says where.</exception>
    public static void RequireWhole(ISegmentReader segment, CancellationToken cancellationToken)
    {
        var seed = segment.Header.Seed;
        for (var position = segment.Header.Layout.DataStart; ;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var window = segment.Open(position);
            var word = window.Contains(position) ? RecordLayout.Word(window.Origin + position) : 0;
            if (!RecordLayout.IsPlausible(word, window.To - position)
                || !RecordLayout.IsIntact(seed, word, window.Origin + position))
                throw PackedFile.Damaged(segment.Path, position, "has no whole record where one should be");
            if (RecordLayout.Kind(word) == RecordKind.End)
                return;

            position += RecordLayout.Size(word);
        }
    }

    /// <summary>The greatest time of a record near the end of a segment; 0 when there is none.</summary>
    public static long LastTime(ISegmentReader segment)
    {
        if (segment is PackedSegmentReader packed)
            return packed.File.Trailer.LastTime;

        for (var goal = long.MaxValue; ;)
        {
            var start = segment.Find(new IndexGoal(IndexColumn.Position, goal));
            var time = LastTime(segment, start);
            if (time != 0 || start <= segment.Header.Layout.DataStart)
                return time;

            // Nothing but marks there: the block before.
            goal = start - 1;
        }
    }

    private static long LastTime(ISegmentReader segment, long position)
    {
        var time = 0L;
        while (segment.Open(position) is var window && window.Contains(position) && RecordLayout.Word(window.Origin + position) is var word
            && RecordLayout.IsPlausible(word, window.To - position) && RecordLayout.Kind(word) != RecordKind.End)
        {
            if (RecordLayout.Kind(word) == RecordKind.Data)
                time = Math.Max(time, RecordLayout.Timestamp(window.Origin + position));
            position += RecordLayout.Size(word);
        }

        return time;
    }
}
