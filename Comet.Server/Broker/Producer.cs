namespace Comet.Server.Broker;

/// <summary>A producer that is attached, or waits to be, to one partition.</summary>
internal sealed class Producer(IPeer peer, long id, string name, ProducerAccessMode accessMode, PartitionActor? partition)
{
    public IPeer Peer { get; } = peer;

    /// <summary>The number that frames of its connection call it by.</summary>
    public long Id { get; } = id;

    public string Name { get; } = name;

    public ProducerAccessMode AccessMode { get; } = accessMode;

    public PartitionActor? Partition { get; } = partition;

    /// <summary>What its confirms are to promise; <see cref="Durability.None"/> for what the topic says.</summary>
    public Durability Durability { get; init; }

    /// <summary>What the partition remembers of this producer's name; null while it is not attached.</summary>
    public ProducerMemory? Memory { get; set; }

    public bool IsAttached => Memory is not null;
}
