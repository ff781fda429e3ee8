using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>Gathers the descriptions of a topic's partitions, each from its own owner; the last one answers.</summary>
internal sealed class DescriptionCollector(IPeer peer, ulong correlationId, string topic, TopicPolicy policy, int expected)
{
    private readonly Lock _gate = new();
    private readonly List<PartitionDescription> _partitions = [];
    private readonly List<SubscriptionDescription> _subscriptions = [];
    private (ErrorCode Code, string Because) _closed;
    private int _received;

    /// <summary>Adds a partition.</summary>
    public void Add(PartitionDescription partition, IReadOnlyList<SubscriptionDescription> subscriptions)
    {
        lock (_gate)
        {
            _partitions.Add(partition);
            _subscriptions.AddRange(subscriptions);
            if (++_received < expected)
                return;
        }
        Answer();
    }

    /// <summary>A partition is closed, deleted or offline, and the topic cannot be described.</summary>
    public void AddClosed(ErrorCode code, string because)
    {
        lock (_gate)
        {
            _closed = (code, because);
            if (++_received < expected)
                return;
        }
        Answer();
    }

    private void Answer()
    {
        if (_partitions.Count < expected)
        {
            peer.Fail(correlationId, _closed.Code, _closed.Because);
            return;
        }
        peer.Send(new TopicInfoFrame(new TopicDescription(
            topic,
            [.. _partitions.OrderBy(static p => p.Partition)],
            [.. _subscriptions.OrderBy(static s => s.Name, StringComparer.Ordinal).ThenBy(static s => s.Partition)])
        {
            Policy = policy,
        }), correlationId);
    }
}
