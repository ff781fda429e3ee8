namespace Comet.Server.Broker;

/// <summary>How many messages have gone through a partition since the broker began. Written by its owner, a batch at a time; whoever reads
/// may be a moment behind.</summary>
internal sealed class PartitionCounters
{
    private long _stored;
    private long _delivered;
    private long _redelivered;
    private long _acked;
    private long _deadLettered;

    public long Stored => Volatile.Read(ref _stored);

    /// <summary>Again or for the first time, for each subscription and reader.</summary>
    public long Delivered => Volatile.Read(ref _delivered);

    public long Redelivered => Volatile.Read(ref _redelivered);

    /// <summary>Messages that their dead-letter topics have confirmed.</summary>
    public long DeadLettered => Volatile.Read(ref _deadLettered);

    public long Acked => Volatile.Read(ref _acked);

    public void AddStored(long count) => Volatile.Write(ref _stored, _stored + count);

    public void AddDelivered(long count, bool isAgain)
    {
        Volatile.Write(ref _delivered, _delivered + count);
        if (isAgain)
            Volatile.Write(ref _redelivered, _redelivered + count);
    }

    public void AddDeadLettered(long count) => Volatile.Write(ref _deadLettered, _deadLettered + count);

    public void AddAcked(long count) => Volatile.Write(ref _acked, _acked + count);
}
