using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Comet.Server.Hosting;

/// <summary>The health check 'comet', which AddCometServer registers: unhealthy while partitions are offline.</summary>
internal sealed class CometHealthCheck(CometBroker broker) : IHealthCheck
{
    public const string Name = "comet";

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var health = broker.GetHealth();
        if (health.IsHealthy)
            return Task.FromResult(HealthCheckResult.Healthy());
        var first = health.Offline[0];
        var description = string.Create(CultureInfo.InvariantCulture,
            $"{health.OfflineCount} partition(s) offline until the broker is started again, the first is {first.Partition} of "
                + $"'{first.Topic}': {first.Reason}");
        var data = health.Offline.ToDictionary(
            static partition => string.Create(CultureInfo.InvariantCulture, $"{partition.Topic}/{partition.Partition}"),
            static partition => (object)partition.Reason, StringComparer.Ordinal);
        return Task.FromResult(new HealthCheckResult(context.Registration.FailureStatus, description, data: data));
    }
}
