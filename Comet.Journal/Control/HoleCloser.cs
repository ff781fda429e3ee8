using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Control;

/// <summary>What became of a place where nothing is published.</summary>
internal enum HoleState
{
    /// <summary>Nobody has claimed it.</summary>
    Unclaimed,

    /// <summary>A living writer is at it, or may be: it is waited for, however long it takes.</summary>
    Waiting,

    /// <summary>Something is published there now: look again.</summary>
    Closed,

    /// <summary>Something was published there and made durable, and is gone: nothing is written over it.</summary>
    Damaged
}

/// <summary>
/// Lets readers pass the claim of a writer that died before it published. The claim's owner is found by the slots; that it is dead, by the
/// lock of its slot, so a writer that is only slow is never robbed. Sequences of closed claims are never seen.
/// </summary>
internal sealed unsafe class HoleCloser(ControlFile control, WriterSlots slots, Func<long, long?> firstSequenceAfter)
{
    private readonly Lock _gate = new();

    /// <summary>Deals with a place where nothing is published. Costs a look at the tail when nobody has claimed it.</summary>
    public HoleState Look(MappedSegment segment, long position)
    {
        if (RecordLayout.Word(segment.Start + position) != 0)
            return HoleState.Closed;

        // Read before the slots: whoever claimed below this tail had told its intent before that.
        var tail = Volatile.Read(ref *control.Tail);
        var tailSegment = control.SegmentOf(tail);
        var isActive = tailSegment == segment.Number;
        // A segment has its name before it is active: nobody can have claimed anything there, and whoever does now is not among the slots
        // yet.
        if (tailSegment < segment.Number || (isActive && position >= TailWord.Position(tail)))
            return HoleState.Unclaimed;

        // Nothing is made durable before everything in front of it is published, so there are no holes below that. Looked at again because
        // it may have been published, and made durable, after the first look.
        if (new JournalPlace(segment.Number, position) < control.GetDurable().Place)
            return RecordLayout.Word(segment.Start + position) != 0 ? HoleState.Closed : HoleState.Damaged;

        lock (_gate)
        {
            if (!control.Locks.TryLock(JournalLock.Hole, exclusive: true))
                return HoleState.Waiting;

            try
            {
                var limit = Math.Min(isActive ? TailWord.Position(tail) : long.MaxValue, segment.Layout.DataEnd);
                var isOver = !isActive || TailWord.Position(tail) > segment.Layout.DataEnd;
                return Close(segment, position, limit, isOver);
            }
            finally
            {
                control.Locks.Unlock(JournalLock.Hole);
            }
        }
    }

    /// <summary>Makes the slots of dead writers clean whose claims, if there were any, were before a tail word: the caller has seen that
    /// everything before it is published.</summary>
    public void Reclaim(IReadOnlyList<WriterSlot> dead, ulong before)
    {
        lock (_gate)
        {
            if (dead.Count == 0 || !control.Locks.TryLock(JournalLock.Hole, exclusive: true))
                return;

            try
            {
                // Only here, under the lock, does a dead writer's slot become clean; so nobody has taken it since.
                foreach (var slot in dead)
                {
                    if (slot.Intent != 0 && slots.IsDead(slot) && (slot.Claim == 0 || TailWord.IsBefore(slot.Claim, before)))
                        slot.Intent = 0;
                }
            }
            finally
            {
                control.Locks.Unlock(JournalLock.Hole);
            }
        }
    }

    private HoleState Close(MappedSegment segment, long position, long limit, bool isOver)
    {
        if (Survey(segment, position) is not { } claims)
            return HoleState.Waiting;
        if (RecordLayout.Word(segment.Start + position) != 0)
            return HoleState.Closed;

        if (claims.Owner is { } owner)
        {
            var size = (long)owner.Intent;
            if (position + size > segment.Layout.DataEnd)
            {
                if (!TryWriteEnd(segment, position))
                    return HoleState.Waiting;
            }
            else
                FillerRecords.WritePadding(segment.Start, segment.Seed, position, position + size);
            if (claims.OwnerIsDead)
                owner.Intent = 0;
            return HoleState.Closed;
        }

        // A writer that died before it could say where: it had written nothing, so all is zero up to whatever comes next.
        var next = FirstPublished(segment, position, Math.Min(limit, claims.NextClaim));
        if (next >= segment.Layout.DataEnd || (isOver && next >= limit))
            return TryWriteEnd(segment, position) ? HoleState.Closed : HoleState.Waiting;

        // Less than any claim takes is not what a writer left but damage: nothing is written over it.
        if (next - position < RecordLayout.HeaderLength)
            return HoleState.Waiting;

        FillerRecords.WritePadding(segment.Start, segment.Seed, position, next);
        return HoleState.Closed;
    }

    /// <summary>Who claimed the position and where the next claim is that is known; null when a living writer has it or might.</summary>
    private Claims? Survey(MappedSegment segment, long position)
    {
        WriterSlot? owner = null;
        var (ownerIsDead, nextClaim) = (false, long.MaxValue);
        for (var i = 0; i < slots.Used; i++)
        {
            var slot = slots[i];
            if (slot.Intent == 0)
                continue;

            // Liveness first: what the slot says after its owner is known to be dead does not change any more.
            var isDead = slots.IsDead(slot);
            var (claim, intent) = (slot.Claim, slot.Intent);
            if (intent == 0)
                continue;
            if (claim == 0)
            {
                if (!isDead)
                    return null;
                continue;
            }

            if (TailWord.Generation(claim) != segment.Generation)
                continue;

            var at = TailWord.Position(claim);
            var straddles = at + (long)intent > segment.Layout.DataEnd;
            if (at == position)
            {
                // The end mark may be written for a writer that lives: it says the same whoever writes it.
                if (!isDead && !straddles)
                    return null;
                (owner, ownerIsDead) = (slot, isDead);
            }
            else if (at > position)
                nextClaim = Math.Min(nextClaim, at);
        }

        return new Claims(owner, ownerIsDead, nextClaim);
    }

    private static long FirstPublished(MappedSegment segment, long position, long limit)
    {
        var at = position;
        while (at < limit && *(ulong*)(segment.Start + at) == 0)
            at += RecordLayout.Alignment;
        return at;
    }

    /// <summary>Writes the end mark, whose content is the same whoever writes it; false while the next segment's first sequence is not
    /// known.</summary>
    public bool TryWriteEnd(MappedSegment segment, long position)
    {
        if (firstSequenceAfter(segment.Number) is not { } first)
            return false;

        WriteEnd(segment, position, first);
        return true;
    }

    public static void WriteEnd(MappedSegment segment, long position, long firstSequence) =>
        FillerRecords.WriteEnd(segment.Start, segment.Seed, position, firstSequence);

    /// <summary>Writes the end mark where recovery cuts, over whatever is there.</summary>
    public static void OverwriteEnd(MappedSegment segment, long position, long firstSequence)
    {
        *(uint*)(segment.Start + position) = 0;
        segment.Index.CutAfter(position);
        WriteEnd(segment, position, firstSequence);
    }

    private sealed record Claims(WriterSlot? Owner, bool OwnerIsDead, long NextClaim);
}
