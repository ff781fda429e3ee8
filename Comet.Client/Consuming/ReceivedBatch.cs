using Comet.Wire;

namespace Comet.Client.Consuming;

/// <summary>A delivered batch on the client: checked and walked through when it is taken out of the stream, not when it arrives.</summary>
internal sealed class ReceivedBatch(PartitionConsumer partition, byte[] bytes, int deliveryCount, int generation, long epoch)
{
    // What one batch may restore to; a frame's limit and the largest message keep honest ones far below.
    private const int MaxRestoredLength = 2 * FrameLimits.HardMaxMessageLength;

    private ReadOnlyMemory<byte> _records;
    private int _position;
    private int _previousDelta = -1;
    private bool _isOpen;

    public PartitionConsumer Partition { get; } = partition;

    public int Generation { get; } = generation;

    public long Epoch { get; } = epoch;

    public int DeliveryCount { get; } = deliveryCount;

    /// <summary>What the batch took of the permits.</summary>
    public int Length => bytes.Length;

    public RecordBatchHeader Header { get; private set; }

    /// <summary>Whether <see cref="TryTake"/> has returned its last record.</summary>
    public bool IsTaken => _isOpen && _position >= _records.Length;

    /// <summary>Goes on to the next record; false when there is none.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.CorruptBatch"/>.</exception>
    public bool TryTake(out int position, out int offsetDelta)
    {
        if (!_isOpen)
            Open();
        var reader = new RecordReader(_records.Span, Header);
        reader.SeekTo(_position, _previousDelta);
        if (!reader.TrySkip(out position, out _, out offsetDelta))
            return false;
        _position = reader.Position;
        _previousDelta = offsetDelta;
        return true;
    }

    /// <summary>Reads a record that <see cref="TryTake"/> has returned.</summary>
    public Record Read(int position, int offsetDelta)
    {
        var reader = new RecordReader(_records.Span, Header);
        reader.SeekTo(position, offsetDelta - 1);
        reader.TryRead(out var record);
        return record;
    }

    public ReadOnlyMemory<byte> GetPayload(int position, int offsetDelta)
    {
        var record = Read(position, offsetDelta);
        return _records.Slice(record.PayloadPosition, record.Payload.Length);
    }

    public MessageHeaders ReadHeaders(int position, int offsetDelta) =>
        Read(position, offsetDelta).Headers is { IsEmpty: false } headers ? RecordHeaders.Read(headers.ToArray()) : MessageHeaders.Empty;

    private void Open()
    {
        Header = RecordBatch.Open(bytes);
        _records = RecordBatch.GetRecords(bytes, Header, MaxRestoredLength);
        _isOpen = true;
    }
}
