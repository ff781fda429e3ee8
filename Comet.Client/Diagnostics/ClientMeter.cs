using System.Diagnostics.Metrics;

namespace Comet.Client.Diagnostics;

/// <summary>What all clients of a process count.</summary>
internal static class ClientMeter
{
    private static readonly Meter s_meter = new(CometDiagnostics.ClientMeterName);

    private static readonly Counter<long> s_stallsRepaired = s_meter.CreateCounter<long>(
        CometDiagnostics.ClientStallsRepaired, "{stall}", "Streams that stood still because the broker lacked permits, and were repaired.");

    public static void StallRepaired(string topic, string subscription) => s_stallsRepaired.Add(
        1, new(CometDiagnostics.TopicTag, topic), new(CometDiagnostics.SubscriptionTag, subscription));
}
