using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>Gathers what a topic's partitions say about a subscription, each from its own owner; the last one answers.</summary>
internal sealed class ExplanationCollector(IPeer peer, ulong correlationId, string topic, string subscription, int expected)
{
    private readonly Lock _gate = new();
    private readonly List<PartitionExplanation> _partitions = [];
    private SubscriptionType _type;
    private ErrorCode _closedWith;
    private int _received;

    public string Subscription { get; } = subscription;

    /// <summary>Adds a partition that has the subscription.</summary>
    public void Add(SubscriptionType type, PartitionExplanation explanation) => Add(type, explanation, ErrorCode.None);

    /// <summary>Adds a partition that does not have it.</summary>
    public void AddUnknown() => Add(null, null, ErrorCode.None);

    /// <summary>Adds a partition that is offline, and so has forgotten its subscriptions.</summary>
    public void AddClosed(int partition, ErrorCode code, string because) => Add(
        null,
        code == ErrorCode.StorageFailed ? new(partition, 0, null, null, null, WaitReason.StorageFailed, null, null, because, []) : null,
        code);

    private void Add(SubscriptionType? type, PartitionExplanation? explanation, ErrorCode closedWith)
    {
        lock (_gate)
        {
            if (explanation is not null)
                _partitions.Add(explanation);
            _type = type ?? _type;
            if (closedWith != ErrorCode.None)
                _closedWith = closedWith;
            if (++_received < expected)
                return;
        }
        if (_partitions.Count > 0)
        {
            peer.Send(
                new SubscriptionExplainedFrame(new(topic, Subscription, _type, [.. _partitions.OrderBy(static p => p.Partition)])),
                correlationId);
            return;
        }
        if (_closedWith != ErrorCode.None)
            peer.Fail(correlationId, _closedWith, $"The topic '{topic}' was deleted.");
        else
            peer.Fail(correlationId, ErrorCode.SubscriptionNotFound, $"The topic '{topic}' has no subscription '{Subscription}'.");
    }
}
