using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>Acks messages on behalf of the subscriptions that have not done so within the topic's time to live. For a message that had to
/// wait for its time, it counts from its release.</summary>
/// <param name="log">The messages.</param>
/// <param name="subscriptions">Who has to ack them.</param>
/// <param name="pending">What waits for its time, which does not expire meanwhile.</param>
internal sealed class Expiry(IPartitionLog log, SubscriptionTable subscriptions, OffsetBits pending)
{
    // Messages that were released less than a time to live ago, and when that was.
    private readonly OffsetBits _late = new();
    private readonly Queue<(long Time, long Offset)> _released = new();
    private bool _isActive;

    /// <summary>When the next message expires; <see cref="long.MaxValue"/> when none does.</summary>
    public long NextDue { get; private set; } = long.MaxValue;

    /// <summary>A message that waited for its time is delivered from now on.</summary>
    public void Released(PolicyLimits limits, long offset, long now)
    {
        if (limits.Ttl == long.MaxValue)
            return;
        _late.Add(offset);
        _released.Enqueue((now, offset));
    }

    public void Apply(PolicyLimits limits, long now)
    {
        NextDue = long.MaxValue;
        if (limits.Ttl == long.MaxValue)
        {
            Stop();
            return;
        }
        _isActive = true;
        var firstAlive = Math.Min(log.FindByAppendTime(now - limits.Ttl + 1), log.StableOffset);
        var oldest = long.MaxValue;
        foreach (var subscription in subscriptions.All)
        {
            if (subscription.IsReader)
                continue;
            Expire(subscription, firstAlive);
            oldest = Math.Min(oldest, subscription.Cursor.AckedUpTo);
        }
        ExpireReleased(now - limits.Ttl);
        var due = _released.TryPeek(out var next) ? next.Time + limits.Ttl : long.MaxValue;
        if (oldest != long.MaxValue && log.TryRead(Math.Max(oldest, firstAlive), out var batch))
            due = Math.Min(due, batch.Header.AppendTime + limits.Ttl);
        NextDue = due == long.MaxValue ? due : PolicyLimits.TimerFor(due, limits.Ttl);
    }

    /// <summary>Acks what is old, and has not been looked at, up to <paramref name="end"/>.</summary>
    private void Expire(Subscription subscription, long end)
    {
        var at = Math.Max(subscription.Cursor.AckedUpTo, subscription.ExpiredUpTo);
        while (at < end)
        {
            var stop = Math.Min(end, Math.Min(pending.NextSet(at), _late.NextSet(at)));
            if (stop > at)
                subscription.Expired += subscription.Skip(new(at, stop - 1));
            for (at = stop; at < end && (pending.Contains(at) || _late.Contains(at));)
                at = Math.Max(pending.NextClear(at), _late.NextClear(at));
        }
        subscription.ExpiredUpTo = Math.Max(subscription.ExpiredUpTo, end);
    }

    private void ExpireReleased(long before)
    {
        while (_released.TryPeek(out var oldest) && oldest.Time <= before)
        {
            _released.Dequeue();
            _late.Remove(oldest.Offset);
            foreach (var subscription in subscriptions.All)
            {
                if (!subscription.IsReader && !subscription.Cursor.IsAcked(oldest.Offset))
                    subscription.Expired += subscription.Skip(new(oldest.Offset, oldest.Offset));
            }
        }
    }

    /// <summary>There is no time to live (any more); a later one looks at everything again.</summary>
    private void Stop()
    {
        if (!_isActive)
            return;
        _isActive = false;
        _released.Clear();
        _late.RemoveBelow(long.MaxValue);
        foreach (var subscription in subscriptions.All)
            subscription.ExpiredUpTo = 0;
    }
}
