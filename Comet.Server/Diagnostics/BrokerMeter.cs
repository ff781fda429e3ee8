using System.Diagnostics.Metrics;
using Comet.Server.Broker;

namespace Comet.Server.Diagnostics;

/// <summary>What a broker counts. Messages are counted by the partitions as they go; here they are only read, when somebody
/// collects.</summary>
internal sealed class BrokerMeter : IDisposable
{
    private readonly Meter _meter = new(CometDiagnostics.ServerMeterName);
    private readonly Counter<long> _stallsRepaired;

    public BrokerMeter(Func<IReadOnlyList<TopicCounters>> read)
    {
        _stallsRepaired = _meter.CreateCounter<long>(
            CometDiagnostics.ServerStallsRepaired, "{stall}", "Deliveries that waited without a reason at a heartbeat, and were made.");
        Observe(CometDiagnostics.ServerMessagesStored, "Messages stored.", static c => c.Stored);
        Observe(CometDiagnostics.ServerMessagesDelivered, "Messages sent to consumers and readers.", static c => c.Delivered);
        Observe(CometDiagnostics.ServerMessagesRedelivered, "Messages sent again.", static c => c.Redelivered);
        Observe(CometDiagnostics.ServerMessagesAcked, "Messages acked.", static c => c.Acked);
        Observe(CometDiagnostics.ServerMessagesDeadLettered, "Messages moved to a dead-letter topic.", static c => c.DeadLettered);

        _meter.CreateObservableGauge(
            CometDiagnostics.ServerPartitionsOffline,
            () => read().Select(static topic => new Measurement<int>(
                topic.Offline, new KeyValuePair<string, object?>(CometDiagnostics.TopicTag, topic.Topic))),
            "{partition}", "Partitions that are offline, because their storage failed or is damaged.");

        void Observe(string name, string description, Func<PartitionCounters, long> count) => _meter.CreateObservableCounter(
            name,
            () => read().Select(topic => new Measurement<long>(
                topic.Partitions.Sum(count), new KeyValuePair<string, object?>(CometDiagnostics.TopicTag, topic.Topic))),
            "{message}", description);
    }

    public void StallRepaired(string topic, string subscription) => _stallsRepaired.Add(
        1, new(CometDiagnostics.TopicTag, topic), new(CometDiagnostics.SubscriptionTag, subscription));

    public void Dispose() => _meter.Dispose();
}

/// <summary>The counters of a topic's partitions, and how many of them are offline.</summary>
internal sealed record TopicCounters(string Topic, IReadOnlyList<PartitionCounters> Partitions, int Offline);
