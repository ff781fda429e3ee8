using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>A subscription in one partition: its cursor, what its consumers hold, and what must be delivered again. A reader is one
/// that is not durable: for it, delivered is done.</summary>
/// <param name="name">Its name.</param>
/// <param name="type">How its consumers share.</param>
/// <param name="isDurable">Whether it is one, or a reader.</param>
/// <param name="start">Where it begins.</param>
/// <param name="generation">A number that no earlier subscription of the partition has.</param>
internal sealed class Subscription(string name, SubscriptionType type, bool isDurable, long start, long generation = 0)
{
    private readonly List<Consumer> _consumers = [];
    private readonly DeliveryRuns _inFlight = new();
    private readonly DeliveryRuns _redelivery = new();
    private readonly PriorityQueue<DeliveryRun, long> _delayed = new();
    private readonly List<DeliveryRun> _moving = [];
    private long _delayedCount;
    private int _turn;

    public string Name { get; } = name;

    public SubscriptionType Type { get; } = type;

    public bool IsDurable { get; } = isDurable;

    /// <summary>Consumers tell by it whether what they hold was delivered by this subscription, or by one of the same name before it was
    /// moved.</summary>
    public long Generation { get; } = generation;

    public Cursor Cursor { get; } = new(start);

    /// <summary>How many messages the time to live has acked.</summary>
    public long Expired { get; set; }

    /// <summary>How many messages the backlog quota has acked.</summary>
    public long Dropped { get; set; }

    /// <summary>The next offset that was never delivered.</summary>
    public long NextOffset { get; private set; } = start;

    public IReadOnlyList<Consumer> Consumers => _consumers;

    /// <summary>What is delivered and not acked, or waits to be delivered again.</summary>
    public long Outstanding => _inFlight.Count + _redelivery.Count + _delayedCount;

    public bool HasRedelivery => _redelivery.RunCount > 0;

    /// <summary>When the next nacked message may be delivered again; <see cref="long.MaxValue"/> when none waits.</summary>
    public long NextDue => _delayed.TryPeek(out _, out var due) ? due : long.MaxValue;

    public void Attach(Consumer consumer)
    {
        consumer.Subscription = this;
        _consumers.Add(consumer);
    }

    /// <summary>Takes a consumer out; what it held is delivered again, before anything new.</summary>
    public void Detach(Consumer consumer)
    {
        if (!_consumers.Remove(consumer))
            return;
        consumer.Subscription = null;
        GiveBack(consumer, new(0, long.MaxValue), 0);
    }

    /// <summary>The same subscription at another place: nothing is acked behind it, and nobody holds anything.</summary>
    public Subscription MovedTo(long offset, long newGeneration) =>
        new(Name, Type, IsDurable, offset, newGeneration) { Expired = Expired, Dropped = Dropped };

    public SubscriptionDescription Describe(int partition, long stableOffset) => new(
        Name, partition, Type, Cursor.AckedUpTo, Math.Max(0, stableOffset - Cursor.AckedUpTo - Cursor.AckedAbove),
        _inFlight.Count, _consumers.Count, _consumers.Sum(static c => c.PermitMessages));

    /// <summary>Acks what was delivered of a range; anything else in it is not this subscription's to ack and is left alone.</summary>
    public void Ack(OffsetRange range)
    {
        var delivered = new OffsetRange(Math.Max(range.First, 0), Math.Min(range.Last, NextOffset - 1));
        if (delivered.Count <= 0)
            return;
        var moved = _inFlight.Remove(delivered, static (consumer, count) => consumer.Unacked -= count) + _redelivery.Remove(delivered);
        // What was delivered and not acked is in flight, or to be delivered again, or waits for its time: the rest is the third.
        _delayedCount -= Cursor.Ack(delivered) - moved;
    }

    /// <summary>Acks a range whether it was delivered or not; returns how many of its messages were not acked before.</summary>
    public long AckOnBehalf(OffsetRange range)
    {
        var before = Cursor.AckedUpTo + Cursor.AckedAbove;
        Ack(range);
        Cursor.Ack(range);
        return Cursor.AckedUpTo + Cursor.AckedAbove - before;
    }

    /// <summary>Gives back what <paramref name="consumer"/> holds of a range, for delivery at <paramref name="due"/> or later (0: at
    /// once).</summary>
    public void GiveBack(Consumer consumer, OffsetRange range, long due)
    {
        _moving.Clear();
        _inFlight.CopyTo(_moving, consumer, range);
        foreach (var run in _moving)
        {
            _inFlight.Remove(run.Range, static (holder, count) => holder.Unacked -= count);
            if (due == 0)
            {
                _redelivery.Add(run with { Consumer = null });
                continue;
            }
            _delayed.Enqueue(run with { Consumer = null }, due);
            _delayedCount += run.Range.Count;
        }
    }

    /// <summary>Moves what has become due to what is delivered next.</summary>
    public void ReleaseDue(long now)
    {
        while (_delayed.TryPeek(out var run, out var due) && due <= now)
        {
            _delayed.Dequeue();
            // Some of it may have been acked meanwhile, by its id, and is not counted any more.
            for (var at = run.Range.First; at <= run.Range.Last;)
            {
                var gap = Cursor.NextUnacked(at);
                var last = Math.Min(gap.Last, run.Range.Last);
                if (gap.First <= last)
                {
                    _redelivery.Add(run with { Range = new(gap.First, last) });
                    _delayedCount -= last - gap.First + 1;
                }
                at = last == long.MaxValue ? last : Math.Max(last, gap.First) + 1;
            }
        }
    }

    /// <summary>The consumer whose turn it is and who can take messages.</summary>
    public Consumer? PickConsumer()
    {
        for (var i = 0; i < _consumers.Count; i++)
        {
            var consumer = _consumers[(_turn + i) % _consumers.Count];
            if (!consumer.CanTake)
                continue;
            _turn = (_turn + i + 1) % _consumers.Count;
            return consumer;
        }
        return null;
    }

    /// <summary>What is to be delivered again first.</summary>
    public DeliveryRun TakeRedelivery() => _redelivery.TakeFirst();

    public void PutBackRedelivery(in DeliveryRun run) => _redelivery.PutBack(run);

    /// <summary>The next stretch of offsets that were never delivered and are not acked, within what is kept.</summary>
    public OffsetRange PeekNew(long startOffset)
    {
        if (startOffset > Cursor.AckedUpTo)
        {
            Ack(new(0, startOffset - 1));
            Cursor.SkipTo(startOffset);
        }
        return Cursor.NextUnacked(Math.Max(NextOffset, startOffset));
    }

    /// <summary>Books a delivery that is about to be made.</summary>
    public void Book(Consumer consumer, OffsetRange range, int deliveryCount)
    {
        NextOffset = Math.Max(NextOffset, range.Last + 1);
        consumer.LastDispatchedOffset = range.Last;
        if (!IsDurable)
        {
            Cursor.SkipTo(range.Last + 1);
            return;
        }
        consumer.Unacked += range.Count;
        _inFlight.Add(new DeliveryRun(range, consumer, deliveryCount));
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
}
