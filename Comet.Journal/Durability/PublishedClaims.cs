using Comet.Journals.Control;
using Comet.Journals.Indexing;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Durability;

/// <summary>Tells when everything before a place is published: only then does a flush of it make all of it durable, because what comes
/// after a hole is lost with the hole. Holes of dead writers are closed on the way; living writers are waited for.</summary>
internal sealed unsafe class PublishedClaims(JournalState state)
{
    private const int Spins = 200;

    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(1);

    private readonly ControlFile _control = state.Control!;
    private readonly WriterSlots _slots = state.Slots!;

    /// <summary>Waits a moment for the writers of claims before a tail word; false when one needs longer.</summary>
    /// <param name="from">Everything before is published.</param>
    /// <param name="before">The tail word.</param>
    public bool Await(JournalPlace from, ulong before)
    {
        var started = TimeProvider.System.GetTimestamp();
        for (var i = 0; ; i++)
        {
            if (FirstOpen(before) is not { } open)
                return true;
            if (i < Spins)
                Thread.SpinWait(8);
            else if (TimeProvider.System.GetElapsedTime(started) < Patience)
                Thread.Yield();
            else
                return _slots.IsDead(open) && TryCloseDead(from);
        }
    }

    /// <summary>Where the end mark of a segment is, everything before which is published; null when it is not there yet.</summary>
    /// <param name="segment">A segment that is over.</param>
    /// <param name="from">A place where a record begins.</param>
    public static long? FindEnd(MappedSegment segment, long from) =>
        Walk(segment, Math.Max(from, segment.Index.Find(new IndexGoal(IndexColumn.Position, segment.Layout.DataEnd))));

    /// <summary>A slot whose claim may be before a tail word and is not published, or null.</summary>
    private WriterSlot? FirstOpen(ulong before)
    {
        for (var i = 0; i < _slots.Used; i++)
        {
            var slot = _slots[i];
            if (slot.Intent != 0 && (slot.Claim is var claim) && (claim == 0 || TailWord.IsBefore(claim, before)))
                return slot;
        }

        return null;
    }

    /// <summary>Closes what dead writers left open, up to the tail, and makes their slots clean: everything is published then, so whatever
    /// they had claimed is closed, even where they could not say any more where it was.</summary>
    public bool TryCloseDead(JournalPlace from)
    {
        var dead = _slots.FindDead();
        var tail = Volatile.Read(ref *_control.Tail);
        var last = _control.SegmentOf(tail);
        for (var number = from.Segment; number <= last; number++)
        {
            if (state.Segments.TryOpen(number) is not { } segment)
            {
                if (state.Segments.IsRemoved(number))
                    continue;

                // Packed: all of it is durable by now, and this is looked at again from there.
                return false;
            }

            try
            {
                var start = number == from.Segment ? Math.Max(from.Position, segment.Layout.DataStart) : segment.Layout.DataStart;
                var to = number == last ? TailWord.Position(tail) : long.MaxValue;
                if (!Close(segment, start, to))
                    return false;
            }
            finally
            {
                segment.Release();
            }
        }

        state.Holes!.Reclaim(dead, tail);
        return true;
    }

    private bool Close(MappedSegment segment, long position, long to)
    {
        while (position < Math.Min(to, segment.Layout.DataEnd + 1))
        {
            var word = RecordLayout.Word(segment.Start + position);
            if (word == 0)
            {
                if (state.Holes!.Look(segment, position) != HoleState.Closed)
                    return false;
                continue;
            }

            if (RecordLayout.Kind(word) == RecordKind.End)
                return true;
            position += RecordLayout.Size(word);
        }

        return to != long.MaxValue;
    }

    private static long? Walk(MappedSegment segment, long position)
    {
        while (position <= segment.Layout.DataEnd)
        {
            var word = RecordLayout.Word(segment.Start + position);
            if (word == 0 || !RecordLayout.IsPlausible(word, segment.Layout.FileLength - position))
                return null;
            if (RecordLayout.Kind(word) == RecordKind.End)
                return position;
            position += RecordLayout.Size(word);
        }

        return null;
    }
}
