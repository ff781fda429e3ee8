using System.Text;

namespace Comet.Server.Broker;

/// <summary>Which consumer of a key-shared subscription gets which keys. Keys fall into 4,096 slots; each slot is owned by the consumer
/// with the highest hash of slot and name, so that one who comes or goes moves only its own share.</summary>
/// <remarks>
/// While messages of a slot are in flight with a consumer that does not own it (any more), nothing of the slot is sent: it moves when they
/// are acked, given back or their lease is over. What was given back waits in its slot, in the order of offsets, and everything new of the
/// slot waits behind it. What only lacks permits when its turn comes stands in the row of its consumer (<see cref="Consumer.Parked"/>),
/// from where it is sent without another look at its batch; it goes to its slot when that is not free by then.
/// </remarks>
internal sealed class KeySlots(DeliveryTable table)
{
    public const int Count = 4096;
    private const uint Spread = 0x9E3779B1;
    private const int SlotBits = 12;

    private readonly Slot[] _slots = new Slot[Count];
    private readonly List<int> _changed = [];
    private readonly List<ParkedRecord> _moved = [];

    /// <summary>The slot of a message: by its key, or by its offset when it has none.</summary>
    public static int SlotOf(ReadOnlySpan<byte> key, long offset)
    {
        // Multiplied, because a partition holds keys that are alike in the low bits of the same hash.
        var hash = key.IsEmpty ? (uint)offset : (uint)KeyHash.Compute(key);
        return (int)(hash * Spread >> (32 - SlotBits));
    }

    public Consumer? OwnerOf(int slot) => _slots[slot].Owner;

    /// <summary>The number of the consumer that messages of the slot are in flight with; null when none are.</summary>
    public int? HolderOf(int slot) => _slots[slot].InFlight > 0 ? _slots[slot].Holder : null;

    public void Attach(Consumer consumer, IReadOnlyList<Consumer> all)
    {
        consumer.ReadySlots ??= new PriorityQueue<int, long>();
        for (var slot = 0; slot < Count; slot++)
        {
            if (_slots[slot].Owner is { } owner && Compare(slot, owner, consumer) >= 0)
                continue;
            GiveTo(slot, consumer);
        }
        SpreadParked(all, consumer);
    }

    /// <summary>Spreads a consumer's slots over the rest, when what it held is given back.</summary>
    public void Detach(Consumer consumer, IReadOnlyList<Consumer> rest)
    {
        consumer.ReadySlots!.Clear();
        for (var slot = 0; slot < Count; slot++)
        {
            if (_slots[slot].Owner != consumer)
                continue;
            Consumer? best = null;
            foreach (var other in rest)
                best = best is null || Compare(slot, other, best) > 0 ? other : best;
            GiveTo(slot, best);
        }
        SpreadParked([.. rest, consumer], null);
    }

    /// <summary>Whom a new message of a slot may be sent to; null when it has to wait.</summary>
    public Consumer? TargetOfNew(int slot) => _slots[slot] is { Waiting: 0, Owner: { } owner } && CanSend(slot) ? owner : null;

    /// <summary>Whether a message of the consumer's row may be sent: its slot is still the consumer's and free, and nothing waits there
    /// before it.</summary>
    public bool CanSendParked(int slot, Consumer consumer) => _slots[slot].Owner == consumer && CanSend(slot) && IsNothingBefore(slot);

    /// <summary>Lets a new message wait that cannot be sent when its turn comes.</summary>
    public void Park(in ParkedRecord record)
    {
        if (_slots[record.Slot].Owner is { } owner)
            owner.Parked.Enqueue(record);
        else
            Wait(record);
    }

    /// <summary>Lets a message wait in its slot that has been put into a waiting stage.</summary>
    public void Wait(in ParkedRecord record)
    {
        (_slots[record.Slot].Queue ??= new PriorityQueue<ParkedRecord, long>()).Enqueue(record, record.Offset);
        Touch(record.Slot);
    }

    /// <summary>Looks again whether a slot has something that its owner can be sent.</summary>
    public void Touch(int slot)
    {
        if (_slots[slot].IsReady || _slots[slot].Owner is not { } owner || !CanSend(slot) || !TryPeek(slot, out var offset))
            return;
        _slots[slot].IsReady = true;
        owner.ReadySlots!.Enqueue(slot, offset);
    }

    /// <summary>Keeps account of what is in flight and waits.</summary>
    public void OnChanged(MessageState state, int count)
    {
        ref var slot = ref _slots[state.KeySlot];
        if (state.Stage is MessageStage.Waiting or MessageStage.Delayed)
        {
            slot.Waiting += count;
        }
        else if (state.Stage == MessageStage.InFlight)
        {
            slot.InFlight += count;
            if (count > 0)
                slot.Holder = state.Consumer;
        }
        // The table is in the middle of the change; the slot is looked at when it is through.
        if (count >= 0 || slot.Waiting == 0 || slot.IsChanged || (state.Stage == MessageStage.InFlight && slot.InFlight > 0))
            return;
        slot.IsChanged = true;
        _changed.Add(state.KeySlot);
    }

    /// <summary>Looks again at the slots where something was taken away that may have been in the way; false when there are none.</summary>
    public bool TouchChanged()
    {
        if (_changed.Count == 0)
            return false;
        foreach (var slot in _changed)
        {
            _slots[slot].IsChanged = false;
            Touch(slot);
        }
        _changed.Clear();
        return true;
    }

    /// <summary>Takes what waits for a consumer and can be sent, about in the order of offsets, so that it comes out of few batches. The
    /// caller books it, or lets it wait again.</summary>
    public void Take(Consumer consumer, long most, List<ParkedRecord> target)
    {
        var ready = consumer.ReadySlots!;
        while (target.Count < most && ready.TryPeek(out var slot, out _))
        {
            ref var state = ref _slots[slot];
            if (state.Owner != consumer)
            {
                // It has moved, and the new owner has it in its own row.
                ready.Dequeue();
            }
            else if (!CanSend(slot) || !TryPeek(slot, out _))
            {
                ready.Dequeue();
                state.IsReady = false;
            }
            else
            {
                target.Add(state.Queue!.Dequeue());
                if (TryPeek(slot, out var next))
                {
                    ready.DequeueEnqueue(slot, next);
                    continue;
                }
                ready.Dequeue();
                state.IsReady = false;
            }
        }
    }

    /// <summary>The first message that waits in a slot and could be sent now; -1 when there is none. Looks through all slots, whatever rows
    /// they stand in: for the watchdog.</summary>
    public long FindSendable()
    {
        var first = -1L;
        for (var slot = 0; slot < Count; slot++)
        {
            if (_slots[slot].Waiting == 0 || !CanSend(slot) || !_slots[slot].Owner!.CanTake)
                continue;
            if (!TryPeek(slot, out var offset))
                offset = IsNothingBefore(slot) ? _slots[slot].Owner!.Parked.FirstOrDefault(p => p.Slot == slot).Offset : long.MaxValue;
            if (offset != long.MaxValue && (first < 0 || offset < first))
                first = offset;
        }
        return first;
    }

    /// <summary>Forgets what waits, when the table is emptied.</summary>
    public void Clear(IReadOnlyList<Consumer> all)
    {
        foreach (var consumer in all)
            consumer.Parked.Clear();
        for (var slot = 0; slot < Count; slot++)
            _slots[slot].Queue?.Clear();
    }

    /// <summary>Puts what stands in consumers' rows into the rows of those who own its slot now, in the order of offsets.</summary>
    /// <param name="consumers">All whose rows may hold something.</param>
    /// <param name="newcomer">The only one that slots have gone to, and whose row is empty; null when they may have gone to any.</param>
    private void SpreadParked(IReadOnlyList<Consumer> consumers, Consumer? newcomer)
    {
        _moved.Clear();
        foreach (var consumer in consumers)
        {
            for (var left = consumer.Parked.Count; left > 0; left--)
            {
                var record = consumer.Parked.Dequeue();
                if (newcomer is not null && _slots[record.Slot].Owner == consumer)
                    consumer.Parked.Enqueue(record);
                else
                    _moved.Add(record);
            }
        }
        _moved.Sort(static (left, right) => left.Offset.CompareTo(right.Offset));
        foreach (var record in _moved)
            Park(record);
        _moved.Clear();
    }

    private bool IsNothingBefore(int slot) => _slots[slot].Queue is not { Count: > 0 } queue || (!TryPeek(slot, out _) && queue.Count == 0);

    private void GiveTo(int slot, Consumer? owner)
    {
        _slots[slot].Owner = owner;
        _slots[slot].IsReady = false;
        Touch(slot);
    }

    private bool CanSend(int slot) =>
        _slots[slot] is var s && s.Owner is not null && (s.InFlight == 0 || s.Holder == s.Owner.Number);

    /// <summary>The first message that waits in a slot, unless its delay still runs.</summary>
    private bool TryPeek(int slot, out long offset)
    {
        offset = 0;
        if (_slots[slot].Queue is not { } queue)
            return false;
        while (queue.TryPeek(out _, out offset))
        {
            var stage = table[offset].Stage;
            if (stage is MessageStage.Waiting or MessageStage.Delayed)
                return stage == MessageStage.Waiting;
            queue.Dequeue();
        }
        return false;
    }

    private static int Compare(int slot, Consumer left, Consumer right)
    {
        var order = Score(slot, left).CompareTo(Score(slot, right));
        return order != 0 ? order : string.CompareOrdinal(left.Name, right.Name);
    }

    /// <summary>SplitMix64 over slot and name.</summary>
    private static ulong Score(int slot, Consumer consumer)
    {
        if (consumer.NameHash == 0)
            consumer.NameHash = KeyHash.Compute(Encoding.UTF8.GetBytes(consumer.Name)) + 1L;
        var x = ((ulong)consumer.NameHash << SlotBits) + (ulong)slot + 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }

    private struct Slot
    {
        public Consumer? Owner;
        public PriorityQueue<ParkedRecord, long>? Queue;
        public int Holder;
        public int InFlight;
        public int Waiting;
        public bool IsReady;
        public bool IsChanged;
    }
}
