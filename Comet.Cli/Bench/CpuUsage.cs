using System.Diagnostics;

namespace Comet.Cli.Bench;

/// <summary>The processor time that this process and a broker's use from here on.</summary>
internal sealed class CpuUsage(BrokerProcess? broker)
{
    private readonly TimeSpan _client = Process.GetCurrentProcess().TotalProcessorTime;
    private readonly TimeSpan? _broker = broker?.CpuTime;

    /// <summary>Seconds for a million messages.</summary>
    public (double Client, double? Broker) PerMillion(long messages)
    {
        var client = Process.GetCurrentProcess().TotalProcessorTime - _client;
        return (PerMillion(client, messages), broker is null ? null : PerMillion(broker.CpuTime - _broker!.Value, messages));
    }

    private static double PerMillion(TimeSpan used, long messages) => Math.Round(used.TotalSeconds * 1e6 / messages, 3);
}
