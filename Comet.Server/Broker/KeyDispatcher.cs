using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>Sends what a key-shared subscription's consumers have permits for: first what waits in their slots, then what is new. One walk
/// over a stored batch spreads its records over the consumers, each of which is sent one batch of them.</summary>
internal sealed class KeyDispatcher(IPartitionLog log, BatchCutter cutter, long maxOutstanding) : IDisposable
{
    private const int MaxTaken = 1_000;

    // A consumer that has permits and whose keys are all held by others would have the whole backlog walked over and put aside, at once
    // and for nothing: mostly the others ack in a moment. So it is looked for in portions, until one of its keys is free.
    private const int MaxFruitless = 1_000;
    private const long FruitlessPause = 5_000;

    private readonly List<KeyGroup> _open = [];
    private readonly Stack<KeyGroup> _spare = new();
    private readonly List<ParkedRecord> _taken = [];
    private int _fruitless;

    public void Dispatch(Subscription subscription, IPendingOffsets? pending, long now)
    {
        while (subscription.TryPeekReleased(MaxTaken, out var released))
            ParkReleased(subscription, released);
        if (subscription.Slots!.TouchChanged() || subscription.WalksOnAt <= now)
            subscription.WalksOnAt = long.MaxValue;
        _fruitless = 0;
        foreach (var consumer in subscription.Consumers)
        {
            while (consumer.CanTake && (consumer.ReadySlots!.Count > 0 || consumer.Parked.Count > 0))
            {
                SendWaiting(subscription, consumer, now);
                SendParked(subscription, consumer, now);
            }
        }
        while (subscription.WalksOnAt == long.MaxValue && subscription.PickConsumer() is not null && WalkNew(subscription, pending, now))
        {
        }
    }

    public void Dispose()
    {
        foreach (var group in _open.Concat(_spare))
            group.Dispose();
    }

    /// <summary>What was left out and is due takes its place among what waits.</summary>
    private void ParkReleased(Subscription subscription, OffsetRange released)
    {
        if (!log.TryRead(released.First, out var batch) || batch.BaseOffset > released.First)
        {
            subscription.Skip(new(released.First, released.First));
            return;
        }
        var range = released with { Last = Math.Min(released.Last, batch.LastOffset) };
        var reader = cutter.OpenAt(batch, range.First);
        while (reader.TryRead(out var record) && batch.BaseOffset + record.OffsetDelta <= range.Last)
        {
            var offset = batch.BaseOffset + record.OffsetDelta;
            if (offset >= range.First)
                subscription.ParkReleased(offset, KeySlots.SlotOf(record.Key, offset));
        }
    }

    /// <summary>Sends what stands in a consumer's row, batch by batch.</summary>
    private void SendParked(Subscription subscription, Consumer consumer, long now)
    {
        while (consumer.CanTake && consumer.Parked.TryPeek(out var first))
        {
            if (!log.TryRead(first.Offset, out var batch) || batch.BaseOffset > first.Offset)
            {
                subscription.Skip(new(first.Offset, first.Offset));
                consumer.Parked.Dequeue();
                continue;
            }
            cutter.OpenAt(batch, first.Offset);
            var group = Open(consumer, batch);
            while (group.HasRoom && consumer.Parked.TryPeek(out var next) && next.Offset <= batch.LastOffset)
            {
                consumer.Parked.Dequeue();
                if (subscription.StateOf(next.Offset).Stage != MessageStage.Waiting)
                    continue;
                if (subscription.Slots!.CanSendParked(next.Slot, consumer))
                    group.Add(subscription, next.Offset, cutter.Records.Slice(next.Position, next.Length), next.Slot, 1, now);
                else
                    subscription.Slots.Wait(next);
            }
            Close(subscription, batch, 1, now);
        }
    }

    private void SendWaiting(Subscription subscription, Consumer consumer, long now)
    {
        _taken.Clear();
        subscription.Slots!.Take(consumer, Math.Min(consumer.PermitMessages, MaxTaken), _taken);
        _taken.Sort(static (left, right) => left.Offset.CompareTo(right.Offset));
        for (var i = 0; i < _taken.Count;)
        {
            var offset = _taken[i].Offset;
            if (!consumer.CanTake)
                subscription.Slots.Wait(_taken[i++]);
            else if (!log.TryRead(offset, out var batch) || batch.BaseOffset > offset)
                subscription.Skip(new(_taken[i++].Offset, offset));
            else
                i = SendWaiting(subscription, consumer, batch, i, now);
        }
    }

    /// <summary>Sends what was taken, from an index on, as far as it stands in one batch and was delivered equally often; returns the index
    /// to go on at.</summary>
    private int SendWaiting(Subscription subscription, Consumer consumer, in StoredBatch batch, int index, long now)
    {
        var deliveryCount = subscription.StateOf(_taken[index].Offset).DeliveryCount + 1;
        var group = Open(consumer, batch);
        var reader = cutter.OpenAt(batch, _taken[index].Offset);
        for (; index < _taken.Count && _taken[index].Offset <= batch.LastOffset; index++)
        {
            var taken = _taken[index];
            if (subscription.StateOf(taken.Offset).DeliveryCount + 1 != deliveryCount)
                break;
            var (position, length) = taken.HasPlace ? (taken.Position, taken.Length) : Find(ref reader, batch, taken.Offset);
            group.Add(subscription, taken.Offset, cutter.Records.Slice(position, length), taken.Slot, deliveryCount, now);
        }
        Close(subscription, batch, deliveryCount, now);
        return index;
    }

    /// <summary>Where a record stands that the reader has not yet come to.</summary>
    private static (int Position, int Length) Find(ref RecordReader reader, in StoredBatch batch, long offset)
    {
        while (reader.TrySkip(out var position, out var length, out var delta))
        {
            if (batch.BaseOffset + delta == offset)
                return (position, length);
        }
        throw RecordBatchHeader.Corrupt($"it has no record {offset - batch.BaseOffset}");
    }

    /// <summary>Walks over what is new in one batch; false when there is nothing that may be walked over.</summary>
    private bool WalkNew(Subscription subscription, IPendingOffsets? pending, long now)
    {
        pending?.LeaveOut(subscription, log.StableOffset);
        var next = subscription.PeekNew(log.StartOffset, log.StableOffset);
        var room = maxOutstanding - subscription.Outstanding;
        if (room <= 0 || next.First >= log.StableOffset || !log.TryPrepare(next.First) || !log.TryRead(next.First, out var batch))
            return false;
        if (subscription.TrySkipMissing(next, batch.BaseOffset))
            return true;
        var range = new OffsetRange(next.First, Math.Min(next.Last, batch.LastOffset));
        if (pending is not null && (batch.Header.Attributes & RecordBatchAttributes.HasDelayed) != 0)
            range = pending.NextDeliverable(subscription, range);
        if (range.Count <= 0)
        {
            subscription.LeaveOut(Math.Min(next.Last, batch.LastOffset));
            return true;
        }
        Walk(subscription, batch, range with { Last = Math.Min(range.Last, range.First + room - 1) }, now);
        Close(subscription, batch, 1, now);
        return true;
    }

    private void Walk(Subscription subscription, in StoredBatch batch, OffsetRange range, long now)
    {
        var slots = subscription.Slots!;
        var free = subscription.Consumers.Count(static c => c.CanTake);
        var reader = cutter.OpenAt(batch, range.First);
        var (last, end) = (range.First - 1, 0);
        while (free > 0 && _fruitless < MaxFruitless && reader.TryRead(out var record))
        {
            var offset = batch.BaseOffset + record.OffsetDelta;
            if (offset < range.First)
                continue;
            if (offset > range.Last)
                break;
            (last, end) = (offset, record.Position + record.Length);
            var slot = KeySlots.SlotOf(record.Key, offset);
            if (slots.TargetOfNew(slot) is not { CanTake: true } target
                || (target.Group ?? Open(target, batch)) is not { HasRoom: true } group)
            {
                subscription.Park(new(offset, slot, record.Position, record.Length));
                _fruitless++;
                continue;
            }
            _fruitless = 0;
            group.Add(subscription, offset, cutter.Records.Slice(record.Position, record.Length), slot, 1, now);
            if (!group.HasRoom)
                free--;
        }
        subscription.LeaveOut(last);
        if (last >= range.First)
            cutter.Walked(batch, last, end);
        if (_fruitless >= MaxFruitless)
            subscription.WalksOnAt = now + FruitlessPause;
    }

    private KeyGroup Open(Consumer consumer, in StoredBatch batch)
    {
        var group = _spare.TryPop(out var spare) ? spare : new KeyGroup(consumer);
        group.Begin(consumer, batch.Bytes.Span, batch.Header);
        consumer.Group = group;
        _open.Add(group);
        return group;
    }

    private void Close(Subscription subscription, in StoredBatch batch, int deliveryCount, long now)
    {
        foreach (var group in _open)
        {
            group.Consumer.Group = null;
            if (group.Count > 0)
                group.Send(subscription, batch.Header, deliveryCount, now);
            _spare.Push(group);
        }
        _open.Clear();
    }
}
