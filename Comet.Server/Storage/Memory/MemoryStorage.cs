namespace Comet.Server.Storage.Memory;

/// <summary>Everything in memory: nothing outlives the process.</summary>
internal sealed class MemoryStorage(CometServerOptions options, TimeProvider time) : IBrokerStorage
{
    private readonly MemoryBudget _budget = new(options.MemoryLimit);

    // It differs from that of every earlier process, whose offsets meant other messages: a client that reconnects must not ack with them.
    public FencingToken Fence { get; } = new(UnixMicroseconds.Now(time));

    public IReadOnlyList<StoredTopic> Topics => [];

    public IReadOnlyList<DuePartition> Due => [];

    public Durability Resolve(Durability asked) => asked <= Durability.Memory
        ? asked
        : throw new CometException(ErrorCode.Unsupported, $"This broker keeps messages in memory; it cannot promise {asked}.");

    public void Save(StoredTopic topic)
    {
        // The broker's list of topics is all there is.
    }

    public void Remove(string topic)
    {
        // As above.
    }

    public StoredPartition Open(string topic, int number, Action<Broker.CommandKind> post) =>
        new(new MemoryPartitionLog(_budget, options.PartitionMemoryLimit), null, null);

    public void WhenSaved(Action<Exception?> saved) => saved(null);

    public void Dispose()
    {
        // The logs are disposed by their owners.
    }
}
