using Comet.Journals.Control;
using Comet.Journals.Records;

namespace Comet.Journals.Segments;

/// <summary>
/// Goes on to the next segment. Any number of writers of any process may do so at once, and none waits for another that was stopped in the
/// middle: what the next segment is has been agreed on by compare-and-swap, each makes its file, and the name can be taken only once.
/// </summary>
internal sealed unsafe class SegmentRoller(JournalState state)
{
    // The writer that hit the end knows the exact next sequence; when it died right then, a few sequences are left out instead.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan PrepareBefore = TimeSpan.FromSeconds(2);

    private ControlFile Control => state.Control!;

    /// <summary>The active segment, kept for the caller.</summary>
    public MappedSegment Active()
    {
        while (true)
        {
            var number = Control.ActiveSegment;
            if (state.Segments.TryOpen(number) is { } segment)
                return segment;

            // While this thread slept between the two, the journal may have gone on, and the segment been packed or removed.
            if (Control.ActiveSegment == number)
                return state.Segments.Open(number);
        }
    }

    /// <summary>The claim that reached beyond the end of a segment: agrees on what comes next and ends the segment there.</summary>
    public void End(MappedSegment segment, ulong claim)
    {
        var first = Control.AgreeFirstSequence(segment.Number, segment.Header.FirstSequence + TailWord.Count(claim));
        first ??= state.FirstSequenceAfter(segment.Number);
        if (first is { } known)
            HoleCloser.WriteEnd(segment, TailWord.Position(claim), known);
    }

    /// <summary>Makes or finds the segment after one that is full or whose cycle is over, kept for the caller.</summary>
    /// <exception cref="JournalException">There is no room for it; the journal can be tried again.</exception>
    public MappedSegment Next(MappedSegment segment, long now, long recordSize)
    {
        var cycle = Math.Max(segment.Header.CycleStart, state.Options.RollCycle.Around(now).Start);
        if (AgreeFirst(segment) is { } first
            && Control.AgreeCycle(segment.Number, cycle / TimeSpan.TicksPerSecond) is { } seconds)
        {
            var used = Math.Min(segment.Layout.FileLength, TailWord.Position(Volatile.Read(ref *Control.Tail)));
            var next = state.Segments.Create(
                segment, first, seconds * TimeSpan.TicksPerSecond, Control.GetDurable().Place, recordSize, used);
            Control.Activate(next.Number, next.Layout.DataStart);
            if (Control.ActiveSegment == next.Number)
                return next;

            next.Release();
        }

        return Active();
    }

    /// <summary>Has the next segment ready soon when the cycle is nearly over.</summary>
    public void PrepareForEndOfCycle()
    {
        var segment = Active();
        try
        {
            if (segment.Header.CycleEnd - UnixTicks.Of(state.Options.TimeProvider.GetUtcNow()) < PrepareBefore.Ticks)
                state.Segments.PrepareNext(TailWord.Position(Volatile.Read(ref *Control.Tail)));
        }
        finally
        {
            segment.Release();
        }
    }

    private long? AgreeFirst(MappedSegment segment)
    {
        var wait = new SpinWait();
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            if (Control.ActiveSegment != segment.Number)
                return null;
            if (Control.AgreedFirstSequence(segment.Number) is { } agreed)
                return agreed;

            var (ending, someUnknown) = FindEnding(segment);
            if (ending is { } claim)
                return Control.AgreeFirstSequence(segment.Number, segment.Header.FirstSequence + TailWord.Count(claim));

            if (!someUnknown || TimeProvider.System.GetElapsedTime(started) > Patience)
            {
                // Every claim that fits has a lower count than the tail has now.
                var count = TailWord.Count(Volatile.Read(ref *Control.Tail));
                return Control.AgreeFirstSequence(segment.Number, segment.Header.FirstSequence + count);
            }

            wait.SpinOnce();
        }
    }

    /// <summary>The claim that reached beyond the end, and whether a living writer has not said yet where its claim is.</summary>
    private (ulong? Ending, bool SomeUnknown) FindEnding(MappedSegment segment)
    {
        var someUnknown = false;
        for (var i = 0; i < state.Slots!.Used; i++)
        {
            var slot = state.Slots[i];
            var (intent, claim) = (slot.Intent, slot.Claim);
            if (intent == 0)
                continue;
            if (claim == 0)
                someUnknown |= !state.Slots.IsDead(slot);
            else if (TailWord.Generation(claim) == segment.Generation && TailWord.Position(claim) <= segment.Layout.DataEnd
                && TailWord.Position(claim) + (long)intent > segment.Layout.DataEnd)
                return (claim, false);
        }

        return (null, someUnknown);
    }
}
