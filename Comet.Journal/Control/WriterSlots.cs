
namespace Comet.Journals.Control;

/// <summary>The slots of all writers: takes one for a writer of this process, and tells whether the writer of a slot lives.</summary>
internal sealed class WriterSlots(ControlFile control, LockProbe probe)
{
    private readonly Lock _gate = new();
    private readonly bool[] _mine = new bool[control.SlotCount];

    public int Count => control.SlotCount;

    /// <summary>All slots that were ever taken are below this one.</summary>
    public int Used => control.UsedSlots;

    public WriterSlot this[int index] => control.Slot(index);

    /// <summary>Takes a slot that is free and clean, or returns null. One whose writer died in the middle of an append is not clean before
    /// its claim has been dealt with.</summary>
    /// <param name="from">The first that may be taken.</param>
    /// <param name="to">The first that may not.</param>
    public WriterSlot? TryTake(int from, int to)
    {
        lock (_gate)
        {
            for (var i = from; i < to; i++)
            {
                if (_mine[i] || control.Slot(i).Intent != 0 || !control.Locks.TryLock(JournalLock.Slots + i, exclusive: true))
                    continue;

                var slot = control.Slot(i);
                if (slot.Intent != 0)
                {
                    control.Locks.Unlock(JournalLock.Slots + i);
                    continue;
                }

                _mine[i] = true;
                DurableTurn.Inherit(control, i);
                control.NoteSlot(i);
                slot.Claim = 0;
                slot.Process = (ulong)Environment.ProcessId;
                return slot;
            }
        }

        return null;
    }

    /// <summary>Lets go of a slot: for others to take when it is clean, and otherwise like that of a dead writer.</summary>
    public void Return(WriterSlot slot)
    {
        lock (_gate)
        {
            _mine[slot.Index] = false;
            slot.Process = 0;
            control.Locks.Unlock(JournalLock.Slots + slot.Index);
        }
    }

    /// <summary>The slots of dead writers that are not clean.</summary>
    public IReadOnlyList<WriterSlot> FindDead()
    {
        var dead = new List<WriterSlot>();
        for (var i = 0; i < Used; i++)
        {
            if (this[i].Intent != 0 && IsDead(this[i]))
                dead.Add(this[i]);
        }

        return dead;
    }

    /// <summary>Whether a writer of this journal object has a slot from a range.</summary>
    public bool HasAny(int from, int to)
    {
        lock (_gate)
            return _mine.AsSpan(from, to - from).Contains(true);
    }

    /// <summary>Whether nobody is going to finish what the slot's intent says. Once true it stays true for that intent.</summary>
    public bool IsDead(WriterSlot slot) => !probe.IsLocked(JournalLock.Slots + slot.Index);
}
