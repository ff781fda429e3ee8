namespace Comet;

/// <summary>The names under which Comet measures itself, for AddMeter and AddSource of OpenTelemetry and for dotnet-counters.</summary>
public static class CometDiagnostics
{
    /// <summary>The Meter of clients.</summary>
    public const string ClientMeterName = "Comet.Client";

    /// <summary>The Meter of brokers.</summary>
    public const string ServerMeterName = "Comet.Server";

    /// <summary>Counter of the client: how often a consumer found that its broker had lost permits, and granted them again. Tags: topic,
    /// subscription.</summary>
    public const string ClientStallsRepaired = "comet.client.stalls.repaired";

    /// <summary>Counter of the broker: how often something that could be delivered was found waiting at a heartbeat, and delivered. Tags:
    /// topic, subscription.</summary>
    public const string ServerStallsRepaired = "comet.server.stalls.repaired";

    /// <summary>Gauge of the broker: how many partitions are offline, because their storage failed or is damaged. Tag: topic.</summary>
    public const string ServerPartitionsOffline = "comet.server.partitions.offline";

    /// <summary>Counter of the broker: messages that were stored. Tag: topic.</summary>
    public const string ServerMessagesStored = "comet.server.messages.stored";

    /// <summary>Counter of the broker: messages that were sent to consumers and readers, again or for the first time. Tag: topic.</summary>
    public const string ServerMessagesDelivered = "comet.server.messages.delivered";

    /// <summary>Counter of the broker: those of the delivered ones that came again. Tag: topic.</summary>
    public const string ServerMessagesRedelivered = "comet.server.messages.redelivered";

    /// <summary>Counter of the broker: messages that consumers acked, for each subscription. Tag: topic.</summary>
    public const string ServerMessagesAcked = "comet.server.messages.acked";

    /// <summary>Counter of the broker: messages that went to a dead-letter topic. Tag: topic they came from.</summary>
    public const string ServerMessagesDeadLettered = "comet.server.messages.dead_lettered";

    /// <summary>The tag with the topic's name.</summary>
    public const string TopicTag = "comet.topic";

    /// <summary>The tag with the subscription's name.</summary>
    public const string SubscriptionTag = "comet.subscription";
}
