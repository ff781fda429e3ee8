using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>What a subscription has to ack that is to be delivered by now, and the quota on it. What waits for its time is no
/// backlog.</summary>
internal sealed class Backlog(IPartitionLog log, SubscriptionTable subscriptions, OffsetBits pending)
{
    /// <summary>How many messages.</summary>
    public long Count(Subscription subscription)
    {
        var cursor = subscription.Cursor;
        var waiting = pending.Count == 0 ? 0 : pending.CountFrom(cursor.AckedUpTo);
        return Math.Max(0, log.StableOffset - cursor.AckedUpTo - cursor.AckedAbove - waiting);
    }

    /// <summary>The first of them; <see cref="IPartitionLog.StableOffset"/> or above when there is none.</summary>
    public long First(Subscription subscription)
    {
        var first = subscription.Cursor.NextUnacked(log.StartOffset).First;
        while (pending.NextClear(first) is var clear && clear > first)
            first = subscription.Cursor.NextUnacked(clear).First;
        return first;
    }

    /// <summary>Their bytes, as they are stored. Exact, by whole batches, where the subscription acks in order; with other messages between
    /// them, their share of the bytes.</summary>
    public long Measure(Subscription subscription)
    {
        var (count, first) = (Count(subscription), First(subscription));
        var span = log.StableOffset - first;
        if (count == 0 || span <= 0)
            return 0;
        var bytes = log.BytesFrom(first);
        return count >= span ? bytes : (long)((double)bytes * count / span);
    }

    /// <summary>The subscription whose backlog has reached the quota, when producers are to be refused for it; otherwise null.</summary>
    public Subscription? FindFull(PolicyLimits limits)
    {
        // Most of the time there is less in the log altogether.
        if (limits.QuotaAction != BacklogAction.RefuseProducers || log.Bytes < limits.QuotaBytes)
            return null;
        foreach (var subscription in subscriptions.All)
        {
            if (subscription.IsDurable && Measure(subscription) >= limits.QuotaBytes)
                return subscription;
        }
        return null;
    }

    /// <summary>Acks the oldest batches on behalf of the subscriptions that are over the quota, where that is the policy. The newest batch
    /// always stays.</summary>
    public void DropOldest(PolicyLimits limits)
    {
        if (limits.QuotaAction != BacklogAction.DropOldest || log.Bytes <= limits.QuotaBytes)
            return;
        foreach (var subscription in subscriptions.All)
        {
            while (subscription.IsDurable && Measure(subscription) > limits.QuotaBytes
                && First(subscription) is var first && log.TryRead(first, out var oldest) && oldest.LastOffset + 1 < log.StableOffset)
                Drop(subscription, new(first, oldest.LastOffset));
        }
    }

    private void Drop(Subscription subscription, OffsetRange range)
    {
        for (var at = range.First; at <= range.Last; at = pending.NextClear(at))
        {
            var last = Math.Min(range.Last, pending.NextSet(at) - 1);
            if (last >= at)
                subscription.Dropped += subscription.Skip(new(at, last));
            at = last + 1;
        }
    }
}
