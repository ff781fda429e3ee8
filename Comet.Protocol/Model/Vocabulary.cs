namespace Comet;

/// <summary>What a confirm promises. Higher levels survive more. See docs/guarantees.md.</summary>
public enum Durability
{
    /// <summary>Nothing is promised.</summary>
    None = 0,
    /// <summary>The owner of the partition holds the message in memory; it survives the loss of a connection, not of the process.</summary>
    Memory = 1,
    /// <summary>The operating system has the message; it survives the end of the process, not a power cut.</summary>
    Os = 2,
    /// <summary>The message is on disk (fdatasync returned 0); it survives a power cut.</summary>
    Disk = 3,
    /// <summary>The shared store committed the message; it survives the loss of any node.</summary>
    Store = 4,
    /// <summary>The shared store and a synchronous standby committed the message.</summary>
    StoreSync = 5,
}

/// <summary>How the consumers of one subscription share its messages.</summary>
public enum SubscriptionType
{
    /// <summary>One consumer; a second one is refused. Messages arrive in partition order.</summary>
    Exclusive = 0,
    /// <summary>Messages are spread over all consumers; no order between them.</summary>
    Shared = 1,
    /// <summary>One active consumer, the others wait to take over. Messages arrive in partition order.</summary>
    Failover = 2,
    /// <summary>Messages of one key go to one consumer at a time, in order.</summary>
    KeyShared = 3,
}

/// <summary>Who else may produce to the topic.</summary>
public enum ProducerAccessMode
{
    /// <summary>Any number of producers.</summary>
    Shared = 0,
    /// <summary>This producer alone; refused with <see cref="ErrorCode.ProducerBusy"/> when there is another.</summary>
    Exclusive = 1,
    /// <summary>This producer alone; waits until the others have gone.</summary>
    WaitForExclusive = 2,
}

/// <summary>How the records of a batch are compressed.</summary>
public enum CompressionType
{
    /// <summary>Not at all.</summary>
    None = 0,
    /// <summary>LZ4 block format: fast, and smaller than Snappy on text.</summary>
    Lz4 = 1,
    /// <summary>Snappy block format.</summary>
    Snappy = 2,
}
