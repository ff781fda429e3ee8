namespace Comet.Journals.Control;

/// <summary>Whose turn it is to say up to where the journal is durable: one word in the control file, taken for some nanoseconds and never
/// waited for. Names the slot that took it, whose lock tells others when its process was killed with the turn; whoever has that slot next
/// gives the turn back first. A lock of the file would do, too, at two calls of the system for each group commit.</summary>
/// <param name="control">Where the word is.</param>
/// <param name="slots">Who lives.</param>
/// <param name="owner">A number nobody else has: a slot has many owners, one after the other, and what a dead one took is not for two to
/// take over.</param>
internal sealed unsafe class DurableTurn(ControlFile control, WriterSlots slots, Guid owner)
{
    private const int SlotBits = 16;
    private const ulong SlotMask = (1UL << SlotBits) - 1;

    private readonly ulong _owner = BitConverter.ToUInt64(owner.ToByteArray()) << SlotBits;

    /// <summary>False when a living process has the turn.</summary>
    /// <param name="slot">A slot that is the caller's until it gives the turn back.</param>
    public bool TryTake(WriterSlot slot)
    {
        var mine = Name(slot);
        var holder = Interlocked.CompareExchange(ref *control.DurableTurn, mine, 0);
        if (holder == 0)
            return true;

        var index = (int)(holder & SlotMask) - 1;
        var isDead = index == slot.Index || index < 0 || index >= slots.Count || slots.IsDead(slots[index]);
        return isDead && Interlocked.CompareExchange(ref *control.DurableTurn, mine, holder) == holder;
    }

    /// <summary>Gives back what the dead owner of a slot had, before the slot is somebody else's: it would pass for the turn of a living
    /// one, who may be a writer that never gives it back. The caller has the slot's lock.</summary>
    public static void Inherit(ControlFile control, int slot)
    {
        var holder = Volatile.Read(ref *control.DurableTurn);
        if ((holder & SlotMask) == (ulong)slot + 1)
            _ = Interlocked.CompareExchange(ref *control.DurableTurn, 0, holder);
    }

    /// <summary>Gives the turn back.</summary>
    public void Return(WriterSlot slot) => _ = Interlocked.CompareExchange(ref *control.DurableTurn, 0, Name(slot));

    private ulong Name(WriterSlot slot) => _owner | ((ulong)slot.Index + 1);
}
