using Comet.Server.Broker;
using Comet.Server.Topics;
using Comet.Wire;

namespace Comet.Server.Sessions;

/// <summary>The frames about topics as a whole.</summary>
internal sealed class SessionTopics(SessionPeer peer, TopicRegistry topics, CometServerOptions options)
{
    /// <summary>Handles a frame about topics; false when it is about something else.</summary>
    public bool TryHandle(in RawFrame frame, HeaderCodec codec)
    {
        switch (frame.Type)
        {
            case FrameType.LookupTopic:
                var lookup = frame.Read<LookupTopicFrame>(codec);
                var found = topics.Get(lookup.Topic, lookup.CreateIfMissing);
                peer.Send(new TopicLocationFrame(found.Name, found.Partitions.Count, []), frame.CorrelationId);
                return true;
            case FrameType.CreateTopic:
                var create = frame.Read<CreateTopicFrame>(codec);
                topics.Create(create.Topic, create.PartitionCount == 0 ? options.DefaultPartitionCount : create.PartitionCount,
                    create.IfNotExists);
                peer.Confirm(frame.CorrelationId);
                return true;
            case FrameType.DeleteTopic:
                topics.Delete(frame.Read<DeleteTopicFrame>(codec).Topic);
                peer.Confirm(frame.CorrelationId);
                return true;
            case FrameType.ListTopics:
                peer.Send(new TopicListFrame(topics.List(frame.Read<ListTopicsFrame>(codec).Prefix)), frame.CorrelationId);
                return true;
            case FrameType.DescribeTopic:
                Describe(topics.Get(frame.Read<DescribeTopicFrame>(codec).Topic, createIfMissing: false), frame.CorrelationId);
                return true;
            case FrameType.ExplainSubscription:
                Explain(frame.Read<ExplainSubscriptionFrame>(codec), frame.CorrelationId);
                return true;
            case FrameType.Unsubscribe:
                Unsubscribe(frame.Read<UnsubscribeFrame>(codec), frame.CorrelationId);
                return true;
            default:
                return false;
        }
    }

    public static PartitionActor FindPartition(Topic topic, int number) => number >= 0 && number < topic.Partitions.Count
        ? topic.Partitions[number]
        : throw new CometException(ErrorCode.PartitionNotFound,
            $"The topic '{topic.Name}' has {topic.Partitions.Count} partition(s), and none with the number {number}.");

    private void Describe(Topic topic, ulong correlationId)
    {
        var collector = new DescriptionCollector(peer, correlationId, topic.Name, topic.Partitions.Count);
        foreach (var partition in topic.Partitions)
            partition.Post(new(CommandKind.Describe) { Detail = collector });
    }

    private void Explain(in ExplainSubscriptionFrame request, ulong correlationId)
    {
        var topic = topics.Get(request.Topic, createIfMissing: false);
        var collector = new ExplanationCollector(peer, correlationId, topic.Name, request.Subscription, topic.Partitions.Count);
        foreach (var partition in topic.Partitions)
            partition.Post(new(CommandKind.Explain) { Detail = collector });
    }

    private void Unsubscribe(in UnsubscribeFrame request, ulong correlationId) =>
        FindPartition(topics.Get(request.Topic, createIfMissing: false), request.Partition)
            .Post(new(CommandKind.Unsubscribe)
            {
                CorrelationId = correlationId,
                Detail = new UnsubscribeRequest(peer, request.Subscription)
            });
}
