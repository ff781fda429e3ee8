using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>Acks messages on behalf of the subscriptions that have not done so within the topic's time to live.</summary>
internal sealed class Expiry(IPartitionLog log, SubscriptionTable subscriptions)
{
    /// <summary>When the next message expires; <see cref="long.MaxValue"/> when none does.</summary>
    public long NextDue { get; private set; } = long.MaxValue;

    public void Apply(PolicyLimits limits, long now)
    {
        NextDue = long.MaxValue;
        if (limits.Ttl == long.MaxValue)
            return;
        var firstAlive = Math.Min(log.FindByAppendTime(now - limits.Ttl + 1), log.StableOffset);
        var oldest = long.MaxValue;
        foreach (var subscription in subscriptions.All)
        {
            if (subscription.IsReader)
                continue;
            var from = subscription.Cursor.AckedUpTo;
            if (from < firstAlive)
                subscription.Expired += subscription.Skip(new(from, firstAlive - 1));
            oldest = Math.Min(oldest, subscription.Cursor.AckedUpTo);
        }
        if (log.TryRead(oldest, out var batch))
            NextDue = PolicyLimits.TimerFor(batch.Header.AppendTime + limits.Ttl, limits.Ttl);
    }
}
