using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>Carries out a topic's policy in one partition. What it is asked to do between commands costs next to nothing while the policy
/// sets no limit.</summary>
internal sealed class PartitionPolicy(
    IPartitionLog log, FencingToken fence, SubscriptionTable subscriptions, DelayIndex delays, TopicPolicy policy)
{
    private readonly Retention _retention = new(log, fence, subscriptions, delays);
    private readonly Expiry _expiry = new(log, subscriptions, delays.Pending);
    private readonly Backlog _backlog = new(log, subscriptions, delays.Pending);
    private PolicyLimits _limits = PolicyLimits.From(policy);

    /// <summary>When time alone makes something due; <see cref="long.MaxValue"/> for never.</summary>
    public long NextDue => Math.Min(_retention.NextDue, _expiry.NextDue);

    public void Change(TopicPolicy changed) => _limits = PolicyLimits.From(changed);

    /// <summary>Why nothing may be published now; null when it may.</summary>
    public string? RefusePublish(string topic, int partition) => _backlog.FindFull(_limits) is { } full
        ? $"The subscription '{full.Name}' has {_backlog.Measure(full)} bytes to ack in partition {partition} of '{topic}', whose "
            + $"quota is {_limits.QuotaBytes}: consume, delete the subscription, or raise the quota."
        : null;

    /// <summary>A message that waited for its time is delivered from now on.</summary>
    public void Released(long offset, long now) => _expiry.Released(_limits, offset, now);

    /// <summary>What a subscription has to ack by now.</summary>
    public long BacklogOf(Subscription subscription) => _backlog.Count(subscription);

    /// <summary>Adds to the description of a subscription what the policy goes by.</summary>
    public SubscriptionDescription Describe(Subscription subscription, SubscriptionDescription described)
    {
        var first = _backlog.First(subscription);
        var appendTime = AppendTimeOf(first);
        return described with
        {
            OldestUnackedOffset = appendTime is null ? null : first,
            OldestUnackedTime = appendTime,
            BacklogBytes = _backlog.Measure(subscription),
            Expired = subscription.Expired,
            Dropped = subscription.Dropped,
        };
    }

    /// <summary>Adds to the description of the partition how old its messages are.</summary>
    public PartitionDescription Describe(PartitionDescription described) => described with
    {
        FirstAppendTime = AppendTimeOf(log.StartOffset),
        LastAppendTime = AppendTimeOf(log.StableOffset - 1),
    };

    /// <summary>Acks what is not to be delivered any more.</summary>
    public void BeforeDispatch(long now)
    {
        _expiry.Apply(_limits, now);
        _backlog.DropOldest(_limits);
    }

    /// <summary>Drops what need not be kept. Behind the dispatch, so that readers that keep up have what nobody else needs.</summary>
    public void AfterDispatch(long now) => _retention.Apply(_limits, now);

    /// <summary>Room is wanted: drops what yields to that, oldest first, until about so many bytes are free.</summary>
    public void MakeRoom(long bytes) => _retention.MakeRoom(_limits, bytes);

    private DateTimeOffset? AppendTimeOf(long offset) =>
        offset >= log.StartOffset && offset < log.StableOffset && log.TryRead(offset, out var batch)
            ? UnixMicroseconds.ToTime(batch.Header.AppendTime)
            : null;
}
