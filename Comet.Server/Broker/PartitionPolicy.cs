using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>Carries out a topic's policy in one partition. What it is asked to do between commands costs next to nothing while the policy
/// sets no limit.</summary>
internal sealed class PartitionPolicy(IPartitionLog log, FencingToken fence, SubscriptionTable subscriptions, TopicPolicy policy)
{
    private readonly Retention _retention = new(log, fence, subscriptions);
    private readonly Expiry _expiry = new(log, subscriptions);
    private readonly Backlog _backlog = new(log, subscriptions);
    private PolicyLimits _limits = PolicyLimits.From(policy);

    /// <summary>When time alone makes something due; <see cref="long.MaxValue"/> for never.</summary>
    public long NextDue => Math.Min(_retention.NextDue, _expiry.NextDue);

    public void Change(TopicPolicy changed) => _limits = PolicyLimits.From(changed);

    /// <summary>Why nothing may be published now; null when it may.</summary>
    public string? RefusePublish(string topic, int partition) => _backlog.FindFull(_limits) is { } full
        ? $"The subscription '{full.Name}' has {Backlog.Measure(log, full)} bytes to ack in partition {partition} of '{topic}', whose "
            + $"quota is {_limits.QuotaBytes}: consume, delete the subscription, or raise the quota."
        : null;

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
}
