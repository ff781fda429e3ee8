using Comet.Journals.Control;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Recovery;

/// <summary>
/// After all processes of a journal were killed, and the machine was not: what they published is all in the page cache, and the slots tell
/// which claims they left open. Closing those first keeps everything behind them, which otherwise would look like a torn tail.
/// </summary>
internal static unsafe class KilledWriters
{
    /// <summary>Closes the claims that the session before left open. The caller holds the session alone.</summary>
    public static void CloseClaims(SegmentStore store, ControlFile before, LockProbe probe)
    {
        var slots = new WriterSlots(before, probe);
        var active = before.ActiveSegment;
        var closer = new HoleCloser(before, slots, number => before.AgreedFirstSequence(number) ?? FirstOf(store, number + 1));
        var place = before.GetDurable().Place;
        for (var number = place.Segment; number <= active; number++)
        {
            if (store.Catalog.Find(number) is not { Form.Length: 0 })
                return;

            var segment = store.Open(number);
            try
            {
                if (!CloseClaims(segment, closer, Math.Max(segment.Layout.DataStart, number == place.Segment ? place.Position : 0)))
                    return;
            }
            finally
            {
                segment.Release();
            }
        }
    }

    /// <summary>False where the segment has no end yet, or something is there that only a scan can judge.</summary>
    private static bool CloseClaims(MappedSegment segment, HoleCloser closer, long position)
    {
        while (position <= segment.Layout.DataEnd)
        {
            var word = RecordLayout.Word(segment.Start + position);
            if (word == 0)
            {
                if (closer.Look(segment, position) != HoleState.Closed)
                    return false;
                continue;
            }

            if (!RecordLayout.IsPlausible(word, segment.Layout.FileLength - position))
                return false;
            if (RecordLayout.Kind(word) == RecordKind.End)
                return true;

            position += RecordLayout.Size(word);
        }

        return false;
    }

    private static long? FirstOf(SegmentStore store, long number)
    {
        if (store.Catalog.Find(number) is null)
            return null;

        var segment = store.Open(number);
        try
        {
            return segment.Header.FirstSequence;
        }
        finally
        {
            segment.Release();
        }
    }
}
