using Comet.Server.Broker;
using Comet.Server.Topics;
using Comet.Wire;

namespace Comet.Server.Sessions;

/// <summary>The frames about scheduled messages.</summary>
internal sealed class SessionSchedules(SessionPeer peer, TopicRegistry topics)
{
    /// <summary>Handles a frame about scheduled messages; false when it is about something else.</summary>
    public bool TryHandle(in RawFrame frame, HeaderCodec codec)
    {
        switch (frame.Type)
        {
            case FrameType.CancelScheduled:
                var cancel = frame.Read<CancelScheduledFrame>(codec);
                Post(cancel.Topic, cancel.Partition, new CancelRequest(peer, cancel.Offset, cancel.Key), frame);
                return true;
            case FrameType.Reschedule:
                var reschedule = frame.Read<RescheduleFrame>(codec);
                Post(reschedule.Topic, reschedule.Partition, new RescheduleRequest(peer, reschedule.Offset, reschedule.DeliverAt), frame);
                return true;
            case FrameType.CountScheduled:
                var count = frame.Read<CountScheduledFrame>(codec);
                Post(count.Topic, count.Partition, new CountRequest(peer, count.Key, count.From, count.To), frame);
                return true;
            case FrameType.ListScheduled:
                var list = frame.Read<ListScheduledFrame>(codec);
                Post(list.Topic, list.Partition, new ListRequest(peer, list), frame);
                return true;
            default:
                return false;
        }
    }

    private void Post(string topic, int partition, ScheduleRequest request, in RawFrame frame) =>
        SessionTopics.FindPartition(topics.Get(topic, createIfMissing: false), partition).Post(new(CommandKind.Schedule)
        {
            CorrelationId = SessionFrames.RequireCorrelation(frame),
            Detail = request,
        });
}
