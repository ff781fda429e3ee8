namespace Comet;

/// <summary>What of a broker does not work at the moment.</summary>
/// <param name="OfflineCount">How many partitions are offline.</param>
/// <param name="Offline">They, by topic and number; at most <see cref="MaxListed"/>.</param>
public sealed record BrokerHealth(int OfflineCount, IReadOnlyList<OfflinePartition> Offline)
{
    /// <summary>100.</summary>
    public const int MaxListed = 100;

    /// <summary>Whether all works.</summary>
    public bool IsHealthy => OfflineCount == 0;
}

/// <summary>A partition that is offline, because its storage failed or is damaged: it refuses its clients until the broker is started
/// again, while others go on.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Partition">The partition.</param>
/// <param name="Reason">Why, with the file where there is one.</param>
public sealed record OfflinePartition(string Topic, int Partition, string Reason);
