using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>Sends what a key-shared subscription's consumers have permits for: first what waits in their slots, then what is new. One walk
/// over a stored batch spreads its records over the consumers, each of which is sent one batch of them.</summary>
internal sealed class KeyDispatcher(IPartitionLog log, BatchCutter cutter, long maxOutstanding) : IDisposable
{
    private const int MaxTaken = 1_000;

    private readonly List<KeyGroup> _open = [];
    private readonly Stack<KeyGroup> _spare = new();
    private readonly List<long> _taken = [];

    public void Dispatch(Subscription subscription, IPendingOffsets? pending, long now)
    {
        while (subscription.TryPeekReleased(MaxTaken, out var released))
            ParkReleased(subscription, released);
        subscription.Slots!.TouchChanged();
        foreach (var consumer in subscription.Consumers)
        {
            while (consumer.CanTake && (consumer.ReadySlots!.Count > 0 || consumer.Parked.Count > 0))
            {
                SendWaiting(subscription, consumer, now);
                SendParked(subscription, consumer, now);
            }
        }
        while (subscription.PickConsumer() is not null && WalkNew(subscription, pending, now))
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
                    subscription.Slots.Wait(next.Slot, next.Offset);
            }
            Close(subscription, batch, 1, now);
        }
    }

    private void SendWaiting(Subscription subscription, Consumer consumer, long now)
    {
        _taken.Clear();
        subscription.Slots!.Take(consumer, Math.Min(consumer.PermitMessages, MaxTaken), _taken);
        _taken.Sort();
        for (var i = 0; i < _taken.Count;)
        {
            var offset = _taken[i];
            if (!consumer.CanTake)
                subscription.Slots.Wait(subscription.StateOf(_taken[i++]).KeySlot, offset);
            else if (!log.TryRead(offset, out var batch) || batch.BaseOffset > offset)
                subscription.Skip(new(_taken[i++], offset));
            else
                i = SendWaiting(subscription, consumer, batch, i, now);
        }
    }

    /// <summary>Sends what was taken, from an index on, as far as it stands in one batch and was delivered equally often; returns the index
    /// to go on at.</summary>
    private int SendWaiting(Subscription subscription, Consumer consumer, in StoredBatch batch, int index, long now)
    {
        var deliveryCount = subscription.StateOf(_taken[index]).DeliveryCount + 1;
        var group = Open(consumer, batch);
        var reader = cutter.OpenAt(batch, _taken[index]);
        while (index < _taken.Count && reader.TrySkip(out var position, out var length, out var delta))
        {
            var offset = batch.BaseOffset + delta;
            if (offset < _taken[index])
                continue;
            var state = subscription.StateOf(_taken[index]);
            if (offset > _taken[index] || state.DeliveryCount + 1 != deliveryCount)
                break;
            group.Add(subscription, offset, cutter.Records.Slice(position, length), state.KeySlot, deliveryCount, now);
            index++;
        }
        Close(subscription, batch, deliveryCount, now);
        return index;
    }

    /// <summary>Walks over what is new in one batch; false when there is nothing that may be walked over.</summary>
    private bool WalkNew(Subscription subscription, IPendingOffsets? pending, long now)
    {
        var next = subscription.PeekNew(log.StartOffset, log.StableOffset);
        var room = maxOutstanding - subscription.Outstanding;
        if (room <= 0 || next.First >= log.StableOffset || !log.TryRead(next.First, out var batch))
            return false;
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
        while (free > 0 && reader.TryRead(out var record))
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
                continue;
            }
            group.Add(subscription, offset, cutter.Records.Slice(record.Position, record.Length), slot, 1, now);
            if (!group.HasRoom)
                free--;
        }
        subscription.LeaveOut(last);
        if (last >= range.First)
            cutter.Walked(batch, last, end);
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
