using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>Drops messages that every durable subscription has acked, oldest first and in whole batches, when the policy lets them go, or
/// when room is wanted.</summary>
internal sealed class Retention(IPartitionLog log, FencingToken fence, SubscriptionTable subscriptions, DelayIndex delays)
{
    /// <summary>When the next batch gets too old; <see cref="long.MaxValue"/> when none does by itself.</summary>
    public long NextDue { get; private set; } = long.MaxValue;

    /// <summary>Drops what is beyond a limit.</summary>
    public void Apply(PolicyLimits limits, long now)
    {
        NextDue = long.MaxValue;
        if (limits.YieldsToRoom)
            return;
        var needed = subscriptions.FirstNeeded;
        while (TryReadOldest(needed, out var oldest))
        {
            if (!MayGo(oldest, needed, limits, now))
            {
                if (limits.MaxAge != long.MaxValue)
                    NextDue = PolicyLimits.TimerFor(oldest.Header.AppendTime + limits.MaxAge, limits.MaxAge);
                return;
            }
            Drop(oldest);
        }
    }

    /// <summary>Drops what may yield to room until about so many bytes are free.</summary>
    public void MakeRoom(PolicyLimits limits, long bytes)
    {
        if (!limits.YieldsToRoom)
            return;
        var needed = subscriptions.FirstNeeded;
        var target = bytes >= log.Bytes ? long.MinValue : log.Bytes - bytes;
        while (log.Bytes > target && TryReadOldest(needed, out var oldest))
            Drop(oldest);
    }

    private void Drop(in StoredBatch oldest)
    {
        log.TruncateBefore(fence, oldest.LastOffset + 1);
        delays.Truncated(log.StartOffset);
    }

    /// <summary>The oldest batch, when nobody needs any message of it.</summary>
    private bool TryReadOldest(long needed, out StoredBatch oldest) =>
        log.TryRead(log.StartOffset, out oldest) && oldest.LastOffset < needed;

    /// <summary>Whether one limit is satisfied without this batch: what is acked behind it is enough, or it is old.</summary>
    private bool MayGo(in StoredBatch oldest, long needed, PolicyLimits limits, long now) =>
        needed - 1 - oldest.LastOffset >= limits.MaxMessages
        || now - oldest.Header.AppendTime >= limits.MaxAge
        || (limits.MaxBytes != long.MaxValue && log.BytesFrom(oldest.LastOffset + 1) - log.BytesFrom(needed) >= limits.MaxBytes);
}
