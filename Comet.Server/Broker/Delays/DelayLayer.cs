namespace Comet.Server.Broker;

/// <summary>What waits and is in memory: by time, and by key.</summary>
internal sealed class DelayLayer
{
    public DelayBuckets Times { get; } = new();

    public KeyedOffsets Keys { get; } = new();
}
