using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>The records of one stored batch that go to one consumer, as the batch that is sent to it.</summary>
internal sealed class KeyGroup(Consumer consumer) : IDisposable
{
    private const int InitialBuffer = 4 * 1024;
    private const int KeepBuffer = 128 * 1024;

    private readonly GrowableBuffer _buffer = new(InitialBuffer);
    private long _block;
    private ulong _mask;

    public Consumer Consumer { get; private set; } = consumer;

    public int Count { get; private set; }

    public int Bytes => _buffer.Length;

    public long LastOffset { get; private set; }

    /// <summary>Whether the consumer's permits let one more record into the group; a first one may overdraw the bytes.</summary>
    public bool HasRoom => Count == 0 || (Count < Consumer.PermitMessages && Bytes < Consumer.PermitBytes);

    public void Begin(Consumer consumer, ReadOnlySpan<byte> batch, in RecordBatchHeader header)
    {
        (Consumer, Count) = (consumer, 0);
        _buffer.Reset(KeepBuffer);
        RecordBatchCutter.Begin(_buffer, batch, header);
    }

    /// <summary>Adds a record, and books it and its lease.</summary>
    public void Add(Subscription subscription, long offset, ReadOnlySpan<byte> record, int slot, int deliveryCount, long now)
    {
        _buffer.Write(record);
        Count++;
        LastOffset = offset;
        subscription.BookKeys(Consumer, offset, slot, deliveryCount);
        var block = offset >> BlockMask.Shift;
        if (block != _block)
            BookLeases(subscription, deliveryCount, now);
        _block = block;
        _mask |= 1UL << (int)(offset & (BlockMask.Size - 1));
    }

    /// <summary>Sends the group to its consumer.</summary>
    public void Send(Subscription subscription, in RecordBatchHeader header, int deliveryCount, long now)
    {
        BookLeases(subscription, deliveryCount, now);
        RecordBatchCutter.End(_buffer, header, Count);
        Consumer.LastDispatchedOffset = LastOffset;
        Consumer.Spend(Count, _buffer.Length);
        Consumer.Peer.Send(new DeliverFrame(Consumer.Id, deliveryCount), 0, _buffer.WrittenMemory);
    }

    public void Dispose() => _buffer.Dispose();

    private void BookLeases(Subscription subscription, int deliveryCount, long now)
    {
        if (_mask != 0)
            subscription.BookLease(Consumer, _block, _mask, deliveryCount, now);
        _mask = 0;
    }
}
