using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>How many bytes wait for each subscription, and the quota on it.</summary>
internal sealed class Backlog(IPartitionLog log, SubscriptionTable subscriptions)
{
    /// <summary>The bytes of what a subscription has not acked. Exact, by whole batches, where it acks in order; with acked messages
    /// between the others, their share of the bytes.</summary>
    public static long Measure(IPartitionLog log, Subscription subscription)
    {
        var from = Math.Max(subscription.Cursor.AckedUpTo, log.StartOffset);
        var span = log.EndOffset - from;
        if (span <= 0)
            return 0;
        var above = subscription.Cursor.AckedAbove;
        var bytes = log.BytesFrom(from);
        return above == 0 ? bytes : (long)((double)bytes * (span - above) / span);
    }

    /// <summary>The subscription whose backlog has reached the quota, when producers are to be refused for it; otherwise null.</summary>
    public Subscription? FindFull(PolicyLimits limits)
    {
        // Most of the time there is less in the log altogether.
        if (limits.QuotaAction != BacklogAction.RefuseProducers || log.Bytes < limits.QuotaBytes)
            return null;
        foreach (var subscription in subscriptions.All)
        {
            if (subscription.IsDurable && Measure(log, subscription) >= limits.QuotaBytes)
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
            while (subscription.IsDurable && Measure(log, subscription) > limits.QuotaBytes
                && log.TryRead(subscription.Cursor.AckedUpTo, out var oldest) && oldest.LastOffset + 1 < log.StableOffset)
                subscription.Dropped += subscription.Skip(new(subscription.Cursor.AckedUpTo, oldest.LastOffset));
        }
    }
}
