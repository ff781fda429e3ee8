using System.Numerics;
using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>A subscription in one partition: its cursor, what its consumers hold, and what must be delivered again.</summary>
/// <remarks>On an ordered subscription a message that was given back holds up everything that was never delivered, also while its delay
/// runs, and what was given back goes out in the order of offsets. On a key-shared one that holds for each slot of keys.</remarks>
internal sealed partial class Subscription
{
    private readonly ConsumerRow _consumers = new();
    private readonly DeliveryTable _table;
    private readonly LeaseQueue _leases;
    private readonly PriorityQueue<StateRun, long> _delays = new();
    private readonly ReleasedRow _released;
    private readonly List<StateRun> _runs = [];
    private readonly List<long> _lost = [];
    private Consumer? _active;

    public Subscription(string name, SubscriptionType type, SubscriptionKind kind, CursorState start, long generation = 0)
    {
        (Name, Type, Kind, NextOffset, Generation) = (name, type, kind, start.AckedUpTo, generation);
        Cursor = new Cursor(start);
        var marking = type == SubscriptionType.KeyShared ? Marking.Nothing : IsOrdered ? Marking.WaitingAndDelayed : Marking.Waiting;
        _table = new DeliveryTable(marking) { Changed = OnChanged };
        _leases = new LeaseQueue(_table);
        _released = new ReleasedRow(_table);
        DeadLetters = new DeadLetterBox(this);
        if (type == SubscriptionType.KeyShared)
            Slots = new KeySlots(_table);
    }

    public string Name { get; }

    public SubscriptionType Type { get; }

    public SubscriptionKind Kind { get; }

    /// <summary>Whether it stays when its consumers have gone.</summary>
    public bool IsDurable => Kind == SubscriptionKind.Durable;

    /// <summary>Whether what was delivered needs no ack.</summary>
    public bool IsReader => Kind == SubscriptionKind.Reader;

    /// <summary>Whether what was given back holds up what is new.</summary>
    public bool IsOrdered => Type is SubscriptionType.Exclusive or SubscriptionType.Failover;

    /// <summary>A number that no earlier subscription of the partition has had, one of this name included that was at another place:
    /// consumers tell by it what they may still ack.</summary>
    public long Generation { get; }

    public PlantedBug Bug { get; init; }

    public Cursor Cursor { get; }

    /// <summary>The keys' slots; null where keys do not matter.</summary>
    public KeySlots? Slots { get; }

    public DeadLetterBox DeadLetters { get; }

    /// <summary>All below was delivered once, or left out because it was not yet to be delivered.</summary>
    public long NextOffset { get; private set; }

    /// <summary>What the topic's policy has done to it.</summary>
    public PolicyMarks Marks { get; private init; } = new();

    public List<Consumer> Consumers => _consumers.All;

    /// <summary>Whether there is no number left for another consumer.</summary>
    public bool IsFull => _consumers.IsFull;

    /// <summary>What is delivered and not acked, or waits to be delivered again.</summary>
    public long Outstanding => _table.Count;

    /// <summary>What was left out and is to be delivered for the first time now.</summary>
    public long ReleasedCount => _table.CountOf(MessageStage.Released);

    /// <summary>When a delay or lease is over next, what is new is looked through again, or dead letters are to be tried again;
    /// <see cref="long.MaxValue"/> for never.</summary>
    public long NextDue => Math.Min(
        Math.Min(_delays.TryPeek(out _, out var due) ? due : long.MaxValue, WalksOnAt), Math.Min(_leases.NextDue, DeadLetters.NextDue));

    /// <summary>When the dispatcher looks again for something new that is of no key which others hold; <see cref="long.MaxValue"/> when it
    /// has not interrupted that.</summary>
    public long WalksOnAt { get; set; } = long.MaxValue;

    public MessageState StateOf(long offset) => _table[offset];

    public long CountOf(MessageStage stage) => _table.CountOf(stage);

    /// <summary>How many messages were delivered and acked; of all subscriptions of the partition together.</summary>
    public PartitionCounters Counters { get; init; } = new();

    public void Attach(Consumer consumer)
    {
        consumer.Subscription = this;
        _consumers.Add(consumer);
        Slots?.Attach(consumer, Consumers);
    }

    /// <summary>On a failover subscription, lets the first consumer be the active one and tells those concerned. What the one before held
    /// is delivered to it before anything new.</summary>
    /// <param name="arrived">The consumer that has just been attached, which has to be told in any case.</param>
    /// <param name="now">Microseconds since the Unix epoch.</param>
    public void ChooseActive(Consumer? arrived, long now)
    {
        if (Type != SubscriptionType.Failover)
            return;
        var first = Consumers.Count > 0 ? Consumers[0] : null;
        var before = _active;
        _active = first;
        if (before is not null && before != first && before.Subscription == this)
        {
            before.Peer.Send(new ConsumerActivityFrame(before.Id, false));
            GiveBack(new(before), new(0, long.MaxValue), new(now, 0, "Another consumer has become the active one."));
        }
        if (arrived is not null && arrived != first)
            arrived.Peer.Send(new ConsumerActivityFrame(arrived.Id, false));
        if (first is not null && first != before)
            first.Peer.Send(new ConsumerActivityFrame(first.Id, true));
    }

    /// <summary>Takes a consumer out; what it held is delivered again, before anything new.</summary>
    public void Detach(Consumer consumer, long now)
    {
        if (!_consumers.Remove(consumer))
            return;
        consumer.Subscription = null;
        GiveBack(new(consumer), new(0, long.MaxValue), new(now, 0, $"The consumer '{consumer.Name}' has gone."));
        Slots?.Detach(consumer, Bug == PlantedBug.StuckKeyRange ? [] : Consumers);
        _consumers.Forget(consumer);
        ChooseActive(null, now);
    }

    /// <summary>The same subscription at another place: nothing is acked behind it, nobody holds anything or is attached.</summary>
    public Subscription MovedTo(long offset, long generation) => new(Name, Type, Kind, new(offset, []), generation)
    {
        Settings = Settings, Marks = Marks.Moved(), Counters = Counters, Bug = Bug,
    };

    public SubscriptionDescription Describe(int partition, long stableOffset) => new(
        Name, partition, Type, Cursor.AckedUpTo, Math.Max(0, stableOffset - Cursor.AckedUpTo - Cursor.AckedAbove),
        _table.CountOf(MessageStage.InFlight), Consumers.Count, Consumers.Sum(static c => c.PermitMessages))
    {
        DeadLettering = _table.CountOf(MessageStage.DeadLettering),
        DeadLetterError = DeadLetters.Error,
    };

    /// <summary>Acks what was delivered of a range and returns how many messages that were; anything else in it is not a consumer's to
    /// ack and is left alone.</summary>
    public long Ack(OffsetRange range) => Bug == PlantedBug.AckedMessageRedelivered ? 0 : _table.Ack(range, Cursor);

    /// <summary>Acks a range on behalf of the broker, delivered or not: what is gone, has expired or is left out for good. Returns how many
    /// of its messages were not acked before.</summary>
    public long Skip(OffsetRange range)
    {
        _table.Remove(range);
        return Cursor.Ack(range);
    }

    /// <summary>Skips what a log has no more, because a repair could not keep it; false when nothing is missing.</summary>
    /// <param name="next">What comes next.</param>
    /// <param name="baseOffset">Where the batch begins that was found for it.</param>
    public bool TrySkipMissing(OffsetRange next, long baseOffset)
    {
        if (baseOffset <= next.First)
            return false;
        Skip(next with { Last = Math.Min(next.Last, baseOffset - 1) });
        return true;
    }

    /// <summary>A message that was left out may be delivered now; what this subscription has not come to yet is left to its turn.</summary>
    public void Release(long offset)
    {
        if (offset >= NextOffset || Cursor.IsAcked(offset) || _table[offset].Stage != MessageStage.None)
            return;
        _table.Put(new(offset, offset), default(MessageState).As(MessageStage.Released));
        _released.Add(offset);
    }

    /// <summary>Gives back what a consumer holds of a range.</summary>
    public void GiveBack(HeldBy held, OffsetRange range, GiveBackCause cause)
    {
        foreach (var run in RunsOf(held, range))
            GiveBack(run, cause);
    }

    /// <summary>Sends what a consumer holds of a range to the dead-letter topic.</summary>
    public void GiveUp(HeldBy held, OffsetRange range, string? reason, long now)
    {
        foreach (var run in RunsOf(held, range))
            GiveUp(run, new(IsGivenUp: true, reason ?? "Its consumer gave it up."), now);
    }

    /// <summary>Begins the leases anew of what a consumer holds of a range.</summary>
    public void Extend(HeldBy held, OffsetRange range, long now)
    {
        if (Settings.Lease == 0)
            return;
        foreach (var run in RunsOf(held, range))
        {
            var extended = run.State.WithNextLease();
            _table.Put(run.Range, extended);
            _leases.Add(now + Settings.Lease, run.Range, extended);
        }
    }

    /// <summary>Moves what has become due to what is delivered next, and takes back what is held longer than its lease.</summary>
    public void ReleaseDue(long now)
    {
        while (_delays.TryPeek(out var delay, out var due) && due <= now)
        {
            _delays.Dequeue();
            // Some of it may have been acked meanwhile, by its id.
            _runs.Clear();
            _table.CopyTo(_runs, delay.Range, MessageStage.Delayed);
            foreach (var run in _runs)
            {
                if (run.State != delay.State)
                    continue;
                _table.Put(run.Range, run.State.As(MessageStage.Waiting));
                Slots?.Touch(run.State.KeySlot);
            }
        }
        while (_leases.TryTakeOver(now, out var lease))
            TakeBack(lease, now);
    }

    /// <summary>The consumer of a number that messages are in flight with.</summary>
    public Consumer ConsumerOf(int number) => _consumers[number];

    /// <summary>When the delay or the lease of a message is over; -1 when none runs. Looks through all of them: for who asks, not for who
    /// delivers.</summary>
    public long DueOf(long offset)
    {
        var state = _table[offset];
        if (state.Stage == MessageStage.InFlight)
            return _leases.DeadlineOf(offset, state);
        foreach (var (run, due) in _delays.UnorderedItems)
        {
            if (run.Range.First <= offset && offset <= run.Range.Last && run.State == state)
                return due;
        }
        return -1;
    }

    /// <inheritdoc cref="DeliveryTable.FirstIn"/>
    public long FirstIn(MessageStage stage) => _table.FirstIn(stage);

    /// <summary>The consumer whose turn it is and who can take messages. The turn is over when something is booked.</summary>
    public Consumer? PickConsumer() => _consumers.Pick(onlyFirst: Type == SubscriptionType.Failover);

    /// <summary>What is to be delivered again first, at most so many neighbours; false when there is nothing, or it is not yet due and
    /// everything else stands behind it (<paramref name="isHeldUp"/>).</summary>
    public bool TryPeekAgain(long most, out StateRun run, out bool isHeldUp)
    {
        isHeldUp = _table.TryPeekMarked(most, out run) && run.State.Stage == MessageStage.Delayed;
        return !isHeldUp && run.State.Stage == MessageStage.Waiting;
    }

    /// <summary>The first neighbours, at most so many, of those that were left out and are to be delivered for the first time.</summary>
    public bool TryPeekReleased(long most, out OffsetRange range)
    {
        range = ReleasedCount == 0 ? new(0, -1) : _released.Peek(most);
        return range.Count > 0;
    }

    /// <summary>The next stretch of offsets that were never delivered and are not acked, within what is kept.</summary>
    public OffsetRange PeekNew(long startOffset, long limit)
    {
        if (startOffset > Cursor.AckedUpTo)
            Skip(new(0, startOffset - 1));
        return Cursor.NextUnacked(Math.Max(NextOffset, startOffset), limit);
    }

    /// <summary>Passes over messages without delivering them: <see cref="Release"/> brings them, or they wait in their slots.</summary>
    public void LeaveOut(long upTo) => NextOffset = Math.Max(NextOffset, upTo + 1);

    /// <summary>Leaves out what waits and stands directly before this subscription.</summary>
    public void LeaveOutPending(OffsetBits pending, long stableOffset)
    {
        for (long next; (next = Cursor.NextUnacked(NextOffset).First) < stableOffset && pending.Contains(next);)
            NextOffset = Math.Min(pending.NextClear(next), stableOffset);
    }

    /// <summary>Lets a message wait that cannot be sent when its turn comes; it was not delivered yet.</summary>
    public void Park(in ParkedRecord record)
    {
        _table.PutOne(record.Offset, MessageState.InFlight(0, 0, record.Slot).As(MessageStage.Waiting));
        Slots!.Park(record);
    }

    /// <summary>Lets a message wait in its slot that was left out and is due.</summary>
    public void ParkReleased(long offset, int slot)
    {
        _table.PutOne(offset, MessageState.InFlight(0, 0, slot).As(MessageStage.Waiting));
        Slots!.Wait(new(offset, slot));
    }

    /// <summary>Books a delivery that is about to be made.</summary>
    public void Book(Consumer consumer, OffsetRange range, int deliveryCount, long now)
    {
        LeaveOut(range.Last);
        consumer.LastDispatchedOffset = range.Last;
        _consumers.EndTurn();
        Counters.AddDelivered(range.Count, isAgain: deliveryCount > 1);
        if (IsReader || Bug == PlantedBug.CursorMovedBeforeAck)
        {
            Skip(range);
            return;
        }
        var state = MessageState.InFlight(consumer.Number, deliveryCount);
        _table.Put(range, Bug == PlantedBug.DuplicateAfterRedelivery && deliveryCount == 2 ? state.As(MessageStage.Waiting) : state);
        if (Settings.Lease > 0)
            _leases.Add(now + Settings.Lease, range, state);
    }

    /// <summary>Books some of 64 neighbours as delivered to a consumer; <see cref="BookKeys"/> has booked each.</summary>
    public void BookLease(Consumer consumer, long block, ulong mask, int deliveryCount, long now)
    {
        if (Settings.Lease > 0)
            _leases.Add(new Lease(now + Settings.Lease, block, mask, MessageState.InFlight(consumer.Number, deliveryCount)));
    }

    /// <summary>Books a message of a slot that is about to be sent.</summary>
    public void BookKeys(Consumer consumer, long offset, int slot, int deliveryCount) =>
        _table.PutOne(offset, MessageState.InFlight(consumer.Number, deliveryCount, slot));

    public void CloseAll(ErrorCode code, string message)
    {
        foreach (var consumer in Consumers)
            consumer.Close(code, message);
        _consumers.Clear();
    }

    private List<StateRun> RunsOf(HeldBy held, OffsetRange range)
    {
        _runs.Clear();
        if (held.Consumer.Unacked > 0)
            _table.CopyTo(_runs, range, MessageStage.InFlight, held.Consumer.Number, CountOf(held), held.Consumer.Unacked);
        return _runs;
    }

    private int CountOf(HeldBy held) =>
        Bug == PlantedBug.LateNackTaken ? 0 : Math.Min(held.DeliveryCount, MessageState.MaxDeliveryCount);

    private void GiveBack(in StateRun run, GiveBackCause cause)
    {
        if (Settings.MaxDeliveries > 0 && run.State.DeliveryCount >= Settings.MaxDeliveries)
        {
            GiveUp(run, new(IsGivenUp: false, cause.Reason ?? "It was given back."), cause.Now);
            return;
        }
        var delay = cause.Delay == GiveBackCause.ByPolicy ? Settings.Backoff.After(run.State.DeliveryCount) : cause.Delay;
        delay -= Bug == PlantedBug.EarlyDelay ? delay / 10 : 0;
        var given = run with { State = run.State.As(delay == 0 ? MessageStage.Waiting : MessageStage.Delayed) };
        _table.Put(given.Range, given.State);
        if (delay > 0)
            _delays.Enqueue(given, cause.Now + delay);
        WaitInSlots(given);
        _changes++;
    }

    private void GiveUp(in StateRun run, DeadLetterReason reason, long now)
    {
        _table.Put(run.Range, run.State.As(MessageStage.DeadLettering));
        _changes++;
        DeadLetters.Add(run.Range, reason, now);
    }

    private void TakeBack(in Lease lease, long now)
    {
        var holder = _consumers[lease.State.Consumer];
        _lost.Clear();
        for (var mask = lease.Mask; mask != 0; mask &= mask - 1)
        {
            var offset = (lease.Block << BlockMask.Shift) + BitOperations.TrailingZeroCount(mask);
            OffsetPairs.Append(_lost, offset);
            GiveBack(new StateRun(new(offset, offset), _table[offset]), new(now, GiveBackCause.ByPolicy, "Its lease was over."));
        }
        holder.Peer.Send(new LeaseLostFrame(holder.Id, [.. _lost]));
    }

    private void OnChanged(MessageState state, int count)
    {
        if (state.Stage == MessageStage.InFlight)
            _consumers[state.Consumer].Unacked += count;
        Slots?.OnChanged(state, count);
    }
}
