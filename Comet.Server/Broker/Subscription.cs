using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>A subscription in one partition: its cursor, what its consumers hold, and what must be delivered again. A reader is one
/// that is not durable: for it, delivered is done.</summary>
/// <remarks>On an ordered subscription a message that was given back holds up everything that was never delivered, also while its delay
/// runs, and what was given back goes out in the order of offsets.</remarks>
internal sealed class Subscription
{
    private readonly List<Consumer> _consumers = [];
    private readonly ConsumerNumbers _numbers = new();
    private readonly DeliveryTable _table;
    private readonly PriorityQueue<StateRun, long> _delays = new();
    private readonly Queue<long> _released = new();
    private readonly List<StateRun> _runs = [];
    private int _turn;
    private int _picked;

    public Subscription(string name, SubscriptionType type, bool isDurable, CursorState start)
    {
        (Name, Type, IsDurable, NextOffset) = (name, type, isDurable, start.AckedUpTo);
        Cursor = new Cursor(start);
        _table = new DeliveryTable(marksDelayed: IsOrdered) { Changed = OnChanged };
    }

    public string Name { get; }

    public SubscriptionType Type { get; }

    public bool IsDurable { get; }

    /// <summary>Whether what was given back holds up what is new.</summary>
    public bool IsOrdered => Type is SubscriptionType.Exclusive or SubscriptionType.Failover;

    public Cursor Cursor { get; }

    /// <summary>All below was delivered once, or left out because it was not yet to be delivered.</summary>
    public long NextOffset { get; private set; }

    public IReadOnlyList<Consumer> Consumers => _consumers;

    /// <summary>What is delivered and not acked, or waits to be delivered again.</summary>
    public long Outstanding => _table.Count;

    /// <summary>What was left out and is to be delivered for the first time now.</summary>
    public long ReleasedCount => _table.CountOf(MessageStage.Released);

    /// <summary>When the next nacked message may be delivered again; <see cref="long.MaxValue"/> when none waits.</summary>
    public long NextDue => _delays.TryPeek(out _, out var due) ? due : long.MaxValue;

    /// <summary>How many messages were delivered and acked; of all subscriptions of the partition together.</summary>
    public PartitionCounters Counters { get; init; } = new();

    public void Attach(Consumer consumer)
    {
        consumer.Subscription = this;
        _consumers.Add(consumer);
        _numbers.Add(consumer);
    }

    /// <summary>Takes a consumer out; what it held is delivered again, before anything new.</summary>
    public void Detach(Consumer consumer)
    {
        if (!_consumers.Remove(consumer))
            return;
        consumer.Subscription = null;
        GiveBack(consumer, new(0, long.MaxValue), 0);
        _numbers.Remove(consumer);
    }

    public SubscriptionDescription Describe(int partition, long stableOffset) => new(
        Name, partition, Type, Cursor.AckedUpTo, Math.Max(0, stableOffset - Cursor.AckedUpTo - Cursor.AckedAbove),
        _table.CountOf(MessageStage.InFlight), _consumers.Count, _consumers.Sum(static c => c.PermitMessages));

    /// <summary>Acks what was delivered of a range; anything else in it is not a consumer's to ack and is left alone.</summary>
    public void Ack(OffsetRange range) => Counters.AddAcked(_table.Ack(range, Cursor));

    /// <summary>Acks a range on behalf of the broker, delivered or not: what is gone, has expired or is left out for good.</summary>
    public void Skip(OffsetRange range)
    {
        _table.Remove(range);
        Cursor.Ack(range);
    }

    /// <summary>Begins anew at an offset: what is in flight or waits is forgotten. Detach the consumers first, or they hold messages that
    /// come again.</summary>
    public void Seek(long offset)
    {
        _table.Clear();
        _delays.Clear();
        _released.Clear();
        Cursor.Reset(offset);
        NextOffset = offset;
    }

    /// <summary>A message that was left out may be delivered now; what this subscription has not come to yet is left to its turn.</summary>
    public void Release(long offset)
    {
        if (offset >= NextOffset || Cursor.IsAcked(offset) || _table[offset].Stage != MessageStage.None)
            return;
        _table.Put(new(offset, offset), default(MessageState).As(MessageStage.Released));
        _released.Enqueue(offset);
    }

    /// <summary>Gives back what <paramref name="consumer"/> holds of a range, for delivery at <paramref name="due"/> or later (0: at
    /// once).</summary>
    public void GiveBack(Consumer consumer, OffsetRange range, long due)
    {
        if (consumer.Unacked == 0)
            return;
        _runs.Clear();
        _table.CopyTo(_runs, range, MessageStage.InFlight, consumer.Number, consumer.Unacked);
        foreach (var run in _runs)
            GiveBack(run, due);
    }

    /// <summary>Moves what has become due to what is delivered next.</summary>
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
                if (run.State == delay.State)
                    _table.Put(run.Range, run.State.As(MessageStage.Waiting));
            }
        }
    }

    public MessageState StateOf(long offset) => _table[offset];

    /// <summary>Who holds a message that is in flight.</summary>
    public Consumer HolderOf(MessageState state) => _numbers[state.Consumer];

    /// <summary>When a message whose delay runs is to be delivered again. Looks through all delays: for who asks, not for who
    /// delivers.</summary>
    public long DueOf(long offset)
    {
        var state = _table[offset];
        foreach (var (run, due) in _delays.UnorderedItems)
        {
            if (run.Range.First <= offset && offset <= run.Range.Last && run.State == state)
                return due;
        }
        return -1;
    }

    /// <summary>The consumer whose turn it is and who can take messages. The turn is over when something is booked.</summary>
    public Consumer? PickConsumer()
    {
        for (var i = 0; i < _consumers.Count; i++)
        {
            var index = (_turn + i) % _consumers.Count;
            if (!_consumers[index].CanTake)
                continue;
            _picked = index;
            return _consumers[index];
        }
        return null;
    }

    /// <summary>What is to be delivered again first, at most so many neighbours; false when there is nothing, or it is not yet due and
    /// everything else stands behind it (<paramref name="isHeldUp"/>).</summary>
    public bool TryPeekAgain(long most, out StateRun run, out bool isHeldUp)
    {
        isHeldUp = _table.TryPeekMarked(most, out run) && run.State.Stage == MessageStage.Delayed;
        return !isHeldUp && run.State.Stage == MessageStage.Waiting;
    }

    /// <summary>The first neighbours, at most so many, of those that were left out and are to be delivered for the first time now.</summary>
    public bool TryPeekReleased(long most, out OffsetRange range)
    {
        range = default;
        if (ReleasedCount == 0)
            return false;
        while (_released.TryPeek(out var first))
        {
            if (_table[first].Stage == MessageStage.Released)
            {
                range = new(first, first);
                break;
            }
            _released.Dequeue();
        }
        foreach (var next in _released)
        {
            if (next <= range.First)
                continue;
            if (next != range.Last + 1 || range.Count >= most || _table[next].Stage != MessageStage.Released)
                break;
            range = new(range.First, next);
        }
        return range.Count > 0;
    }

    /// <summary>The next stretch of offsets that were never delivered and are not acked, within what is kept.</summary>
    public OffsetRange PeekNew(long startOffset, long limit)
    {
        if (startOffset > Cursor.AckedUpTo)
            Skip(new(0, startOffset - 1));
        return Cursor.NextUnacked(Math.Max(NextOffset, startOffset), limit);
    }

    /// <summary>Leaves out what is not yet to be delivered; <see cref="Release"/> brings it.</summary>
    public void LeaveOut(long upTo) => NextOffset = Math.Max(NextOffset, upTo + 1);

    /// <summary>Books a delivery that is about to be made.</summary>
    public void Book(Consumer consumer, OffsetRange range, int deliveryCount)
    {
        NextOffset = Math.Max(NextOffset, range.Last + 1);
        consumer.LastDispatchedOffset = range.Last;
        _turn = (_picked + 1) % _consumers.Count;
        Counters.AddDelivered(range.Count, isAgain: deliveryCount > 1);
        if (IsDurable)
            _table.Put(range, MessageState.InFlight(consumer.Number, deliveryCount));
        else
            Skip(range);
    }

    public void CloseAll(ErrorCode code, string message)
    {
        foreach (var consumer in _consumers)
        {
            consumer.Subscription = null;
            consumer.Peer.Forget(consumer);
            consumer.Peer.Send(new ConsumerClosedFrame(consumer.Id, code, message));
        }
        _consumers.Clear();
    }

    private void GiveBack(in StateRun run, long due)
    {
        if (due == 0)
        {
            _table.Put(run.Range, run.State.As(MessageStage.Waiting));
            return;
        }
        var delayed = run with { State = run.State.As(MessageStage.Delayed) };
        _table.Put(delayed.Range, delayed.State);
        _delays.Enqueue(delayed, due);
    }

    private void OnChanged(MessageState state, int count)
    {
        if (state.Stage == MessageStage.InFlight)
            _numbers[state.Consumer].Unacked += count;
    }
}
