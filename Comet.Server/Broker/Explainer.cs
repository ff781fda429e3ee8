using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>Why the next message of a subscription waits.</summary>
/// <param name="Reason">The reason.</param>
/// <param name="Offset">The message; -1 when there is none.</param>
/// <param name="Holder">The consumer that the reason names.</param>
/// <param name="Until">When the reason is over, in microseconds since the Unix epoch; -1 when that does not depend on time.</param>
internal readonly record struct Wait(WaitReason Reason, long Offset = -1, Consumer? Holder = null, long Until = -1);

/// <summary>Says why a subscription gets nothing, from what its state allows and not from what was dispatched: so it also finds what could
/// be delivered and was not.</summary>
internal sealed class Explainer(IPartitionLog log, PartitionSettings settings, DelayIndex delays)
{
    // Of those that are due next, so many are looked at for one that is this subscription's.
    private const int MaxScheduledPage = 100;

    public PartitionExplanation Explain(int partition, Subscription subscription, long now)
    {
        var wait = Find(subscription, now);
        var oldest = FindOldest(subscription);
        var age = oldest < 0 || !log.TryRead(oldest, out var batch)
            ? (TimeSpan?)null
            : TimeSpan.FromMicroseconds(Math.Max(0, now - batch.Header.AppendTime));
        return new(
            partition, subscription.Describe(partition, log.StableOffset).Backlog, oldest < 0 ? null : oldest, age,
            wait.Offset < 0 ? null : wait.Offset, wait.Reason, wait.Holder?.Name,
            wait.Until < 0 ? null : UnixMicroseconds.ToTime(wait.Until),
            wait.Reason == WaitReason.DeadLetterWaiting ? subscription.DeadLetters.Error : null,
            [.. subscription.Consumers.Select((c, index) => new ConsumerExplanation(
                c.Name, subscription.Type != SubscriptionType.Failover || index == 0, c.Peer.HasSpace, c.PermitMessages, c.PermitBytes,
                c.Unacked, c.LastDispatchedOffset < 0 ? null : c.LastDispatchedOffset))]);
    }

    /// <summary>Why the next message waits; <see cref="WaitReason.None"/> when nothing keeps it from being delivered.</summary>
    public Wait Find(Subscription subscription, long now)
    {
        var wait = subscription.Slots is { } slots ? FindByKey(subscription, slots) : FindInOrder(subscription);
        if (wait is { } found)
            return found;
        return FindOldest(subscription) is >= 0 and var oldest ? FindHolder(subscription, oldest)
            : log.EndOffset > log.StableOffset ? new(WaitReason.NotYetDurable, log.StableOffset)
            : new(WaitReason.NothingToDeliver);
    }

    private Wait? FindInOrder(Subscription subscription)
    {
        if (subscription.TryPeekAgain(1, out var again, out var isHeldUp))
            return FindTaker(subscription, again.Range.First);
        if (isHeldUp)
            return new(WaitReason.BackOffUntil, again.Range.First, Until: subscription.DueOf(again.Range.First));
        return subscription.TryPeekReleased(1, out var released) ? FindTaker(subscription, released.First) : FindNew(subscription);
    }

    /// <summary>Of a key-shared subscription: what could be sent, then what waits in the slots, then what is new.</summary>
    private Wait? FindByKey(Subscription subscription, KeySlots slots)
    {
        if (subscription.CountOf(MessageStage.Waiting) > 0 && slots.FindSendable() is >= 0 and var sendable)
            return new(WaitReason.None, sendable);
        if (subscription.WalksOnAt == long.MaxValue && FindNew(subscription) is { Reason: WaitReason.None } ready)
            return ready;
        var (waiting, delayed) = (subscription.FirstIn(MessageStage.Waiting), subscription.FirstIn(MessageStage.Delayed));
        var first = waiting < 0 || (delayed >= 0 && delayed < waiting) ? delayed : waiting;
        if (first < 0)
            return FindNew(subscription);
        var state = subscription.StateOf(first);
        if (state.Stage == MessageStage.Delayed)
            return new(WaitReason.BackOffUntil, first, Until: subscription.DueOf(first));
        var owner = slots.OwnerOf(state.KeySlot);
        return slots.HolderOf(state.KeySlot) is { } holder && holder != owner?.Number
            ? new(WaitReason.KeyHeldBy, first, subscription.ConsumerOf(holder))
            : FindTaker(first, owner is null ? [] : [owner]);
    }

    private Wait? FindNew(Subscription subscription)
    {
        var next = SkipScheduled(subscription, subscription.PeekNew(log.StartOffset, log.StableOffset).First, isWaiting: true);
        if (next >= log.StableOffset)
            return null;
        return subscription.Outstanding < settings.MaxOutstandingMessages
            ? FindTaker(subscription, next)
            : new(WaitReason.MaxOutstanding, next);
    }

    private static Wait FindTaker(Subscription subscription, long offset) => FindTaker(
        offset,
        subscription.Type == SubscriptionType.Failover ? [.. subscription.Consumers.Take(1)] : subscription.Consumers);

    /// <summary>What keeps a message that may be delivered from the consumers that could get it.</summary>
    private static Wait FindTaker(long offset, List<Consumer> consumers)
    {
        if (consumers.Count == 0)
            return new(WaitReason.NoConsumer, offset);
        var wait = new Wait(WaitReason.NoPermits, offset, consumers.Count == 1 ? consumers[0] : null);
        foreach (var consumer in consumers)
        {
            if (consumer.CanTake)
                return new(WaitReason.None, offset, consumer);
            if (consumer.HasPermits)
                wait = new(WaitReason.ConsumerNotReading, offset, consumer);
        }
        return wait;
    }

    /// <summary>Where a message is that is not to be delivered at the moment.</summary>
    private Wait FindHolder(Subscription subscription, long offset)
    {
        var state = subscription.StateOf(offset);
        return state.Stage switch
        {
            MessageStage.InFlight => new(
                WaitReason.LeasedBy, offset, subscription.ConsumerOf(state.Consumer), subscription.DueOf(offset)),
            MessageStage.DeadLettering => new(WaitReason.DeadLetterWaiting, offset),
            MessageStage.Delayed => new(WaitReason.BackOffUntil, offset, Until: subscription.DueOf(offset)),
            _ => FindScheduled(subscription) ?? new(WaitReason.DelayedUntil, offset),
        };
    }

    /// <summary>The scheduled message that is due first.</summary>
    private Wait? FindScheduled(Subscription subscription)
    {
        var page = new List<DueOffset>();
        delays.CopyPage(new(long.MinValue, -1), long.MinValue, long.MaxValue, MaxScheduledPage, page);
        foreach (var next in page)
        {
            if (!subscription.Cursor.IsAcked(next.Offset))
                return new(WaitReason.DelayedUntil, next.Offset, Until: next.Due);
        }
        return null;
    }

    /// <summary>From an offset on, the first that is not acked, not cancelled, and does not wait for its time.</summary>
    private long SkipScheduled(Subscription subscription, long offset, bool isWaiting)
    {
        while (offset < log.StableOffset)
        {
            var clear = Math.Max(delays.Cancelled.NextClear(offset), isWaiting ? delays.Pending.NextClear(offset) : 0);
            if (clear == offset)
                break;
            offset = subscription.Cursor.NextUnacked(clear, log.StableOffset).First;
        }
        return offset;
    }

    /// <summary>The first message that is kept, durable and not acked; -1 when there is none.</summary>
    private long FindOldest(Subscription subscription)
    {
        var first = subscription.Cursor.NextUnacked(Math.Max(subscription.Cursor.AckedUpTo, log.StartOffset), log.StableOffset).First;
        var oldest = SkipScheduled(subscription, first, isWaiting: false);
        return oldest < log.StableOffset ? oldest : -1;
    }
}
