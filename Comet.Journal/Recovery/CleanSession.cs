using Comet.Journals.Control;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Recovery;

/// <summary>Goes on where the session before ended in order: nothing has to be scanned, and no segment begun. Only within one boot, where
/// the control file, which is never flushed, is what was written.</summary>
internal static unsafe class CleanSession
{
    /// <summary>Makes a session that was closed the running one; false when recovery has to look. The caller holds the session
    /// alone.</summary>
    public static bool TryResume(SegmentStore store, ControlFile before)
    {
        if (!before.IsClean || before.IsFaulted || store.Catalog.Find(before.ActiveSegment) is not { Form.Length: 0 })
            return false;

        var tail = Volatile.Read(ref *before.Tail);
        var segment = store.Open(before.ActiveSegment);
        try
        {
            // A copy of the files may have been made while they changed.
            var position = TailWord.Position(tail);
            if (position < segment.Layout.DataStart
                || (position <= segment.Layout.DataEnd && RecordLayout.Word(segment.Start + position) != 0))
                return false;
        }
        finally
        {
            segment.Release();
        }

        store.DeleteLeftovers();
        before.IsClean = false;
        return true;
    }
}
