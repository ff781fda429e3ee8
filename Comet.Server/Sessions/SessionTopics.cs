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
                topics.Get(lookup.Topic, lookup.CreateIfMissing);
                // Before the partitions are counted, so that whatever changes behind the answer is told.
                topics.Watchers.Add(lookup.Topic, peer);
                var found = topics.Get(lookup.Topic, createIfMissing: false);
                peer.Send(new TopicLocationFrame(found.Name, found.Partitions.Count, []), frame.CorrelationId);
                return true;
            case FrameType.CreateTopic:
                var create = frame.Read<CreateTopicFrame>(codec);
                topics.Create(create.Topic, create.PartitionCount == 0 ? options.DefaultPartitionCount : create.PartitionCount,
                    (create.Policy ?? new()).ApplyTo(TopicPolicy.Default), create.IfNotExists);
                topics.ConfirmWhenSaved(peer, frame.CorrelationId);
                return true;
            case FrameType.UpdateTopic:
                var update = frame.Read<UpdateTopicFrame>(codec);
                topics.Update(update.Topic, update.Update, peer, frame.CorrelationId);
                return true;
            case FrameType.DeleteTopic:
                topics.Delete(frame.Read<DeleteTopicFrame>(codec).Topic);
                topics.ConfirmWhenSaved(peer, frame.CorrelationId);
                return true;
            case FrameType.DescribeHealth:
                peer.Send(new HealthFrame(topics.ReadHealth()), frame.CorrelationId);
                return true;
            case FrameType.ListTopics:
                peer.Send(topics.List(frame.Read<ListTopicsFrame>(codec)), frame.CorrelationId);
                return true;
            case FrameType.DescribeTopic:
                Describe(topics.Get(frame.Read<DescribeTopicFrame>(codec).Topic, createIfMissing: false), frame.CorrelationId);
                return true;
            default:
                return TryHandleSubscription(frame, codec);
        }
    }

    public static PartitionActor FindPartition(Topic topic, int number) => number >= 0 && number < topic.Partitions.Count
        ? topic.Partitions[number]
        : throw new CometException(ErrorCode.PartitionNotFound,
            $"The topic '{topic.Name}' has {topic.Partitions.Count} partition(s), and none with the number {number}.");

    private void Describe(Topic topic, ulong correlationId)
    {
        var collector = new DescriptionCollector(peer, correlationId, topic.Name, topic.Policy, topic.Partitions.Count);
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

    private bool TryHandleSubscription(in RawFrame frame, HeaderCodec codec)
    {
        switch (frame.Type)
        {
            case FrameType.Unsubscribe:
                var unsubscribe = frame.Read<UnsubscribeFrame>(codec);
                Post(unsubscribe.Topic, unsubscribe.Partition, CommandKind.Unsubscribe, frame.CorrelationId,
                    new SubscriptionRequest(peer, unsubscribe.Subscription));
                return true;
            case FrameType.ExplainSubscription:
                Explain(frame.Read<ExplainSubscriptionFrame>(codec), frame.CorrelationId);
                return true;
            case FrameType.CreateSubscription:
                var create = frame.Read<CreateSubscriptionFrame>(codec);
                var subscribe = new AttachRequest(
                    Names.Require(create.Subscription, "subscription"), create.SubscriptionType, SubscriptionKind.Durable,
                    StartPosition.FromWire(create.StartKind, create.StartValue));
                Post(create.Topic, create.Partition, CommandKind.CreateSubscription, frame.CorrelationId,
                    new CreateSubscriptionRequest(peer, subscribe, create.IfNotExists));
                return true;
            case FrameType.Seek:
                var seek = frame.Read<SeekFrame>(codec);
                Post(seek.Topic, seek.Partition, CommandKind.Seek, frame.CorrelationId,
                    new SeekRequest(peer, seek.Subscription, StartPosition.FromWire(seek.StartKind, seek.StartValue)));
                return true;
            default:
                return false;
        }
    }

    private void Post(string topic, int partition, CommandKind kind, ulong correlationId, SubscriptionRequest request) =>
        FindPartition(topics.Get(topic, createIfMissing: false), partition)
            .Post(new(kind) { CorrelationId = correlationId, Detail = request });
}
