using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>A consumer or reader that is attached to one partition. Belongs to the partition's owner but for <see cref="Peer"/>,
/// <see cref="Id"/> and <see cref="Partition"/>, which never change.</summary>
internal sealed class Consumer(IPeer peer, long id, string name, PartitionActor? partition)
{
    public IPeer Peer { get; } = peer;

    /// <summary>The number that frames of its connection call it by.</summary>
    public long Id { get; } = id;

    public string Name { get; } = name;

    public PartitionActor? Partition { get; } = partition;

    /// <summary>Where it is attached; null before and after.</summary>
    public Subscription? Subscription { get; set; }

    /// <summary>Whether it was taken out, perhaps before its turn to be attached came.</summary>
    public bool IsDetached { get; set; }

    /// <summary>Its number within the subscription.</summary>
    public int Number { get; set; }

    /// <summary>A lower one goes before a higher one.</summary>
    public int Priority { get; init; }

    /// <summary>The key slots that have something for it to take, by the offset of that; null where keys do not matter.</summary>
    public PriorityQueue<int, long>? ReadySlots { get; set; }

    /// <summary>New messages of its key slots that it had no permits for when their turn came, in the order of offsets.</summary>
    public Queue<ParkedRecord> Parked { get; } = new();

    /// <summary>A hash of its name, when one was needed; otherwise 0.</summary>
    public long NameHash { get; set; }

    /// <summary>What is being gathered for it out of a batch.</summary>
    public KeyGroup? Group { get; set; }

    public long PermitMessages { get; private set; }

    public long PermitBytes { get; private set; }

    public long LastDispatchedOffset { get; set; } = -1;

    /// <summary>How many messages it holds that are not acked.</summary>
    public long Unacked { get; set; }

    public bool HasPermits => PermitMessages > 0 && PermitBytes > 0;

    public bool CanTake => HasPermits && Peer.HasSpace;

    /// <summary>Adds permits; what a hostile client adds beyond 2^40 is cut off.</summary>
    public void Grant(long messages, long bytes)
    {
        const long Most = 1L << 40;
        PermitMessages = Math.Clamp(PermitMessages + Math.Clamp(messages, 0, Most), -Most, Most);
        PermitBytes = Math.Clamp(PermitBytes + Math.Clamp(bytes, 0, Most), -Most, Most);
    }

    /// <summary>The broker ends it and tells it why.</summary>
    public void Close(ErrorCode code, string message)
    {
        Subscription = null;
        Peer.Forget(this);
        Peer.Send(new ConsumerClosedFrame(Id, code, message));
    }

    public void Spend(int messages, int bytes)
    {
        PermitMessages -= messages;
        PermitBytes -= bytes;
    }
}

/// <summary>A message of a key slot that waits, and where it stands among the uncompressed records of its batch.</summary>
internal readonly record struct ParkedRecord(long Offset, int Slot, int Position, int Length)
{
    /// <summary>A message whose place is not known: it is looked for in its batch.</summary>
    public ParkedRecord(long offset, int slot)
        : this(offset, slot, -1, 0)
    {
    }

    public bool HasPlace => Position >= 0;
}
