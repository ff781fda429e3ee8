using Comet.Wire;

namespace Comet.Client.Consuming;

/// <summary>A delivered batch on the client: checked and walked through when it is taken out of the stream, not when it arrives.</summary>
internal sealed class ReceivedBatch(
    PartitionConsumer partition, byte[] bytes, in RecordBatchHeader header, int deliveryCount, int generation, long epoch, long era)
{
    // What one batch may restore to; a frame's limit and the largest message keep honest ones far below.
    private const int MaxRestoredLength = 2 * FrameLimits.HardMaxMessageLength;

    private ReadOnlyMemory<byte> _records;
    private ulong[]? _members;
    private int _position;
    private int _previousDelta = -1;
    private bool _isOpen;

    public PartitionConsumer Partition { get; } = partition;

    public int Generation { get; } = generation;

    public long Epoch { get; } = epoch;

    /// <summary>The <see cref="PartitionConsumer.Era"/> it arrived in.</summary>
    public long Era { get; } = era;

    public int DeliveryCount { get; } = deliveryCount;

    /// <summary>What the batch took of the permits.</summary>
    public int Length => bytes.Length;

    /// <summary>The header; checked against what follows it when the first record is taken.</summary>
    public RecordBatchHeader Header { get; private set; } = header;

    /// <summary>When it arrived, where leases run.</summary>
    public long ArrivedAt { get; set; }

    /// <summary>What the program is through with; null while nobody needs to know. Guarded by the consumer's lock.</summary>
    public DeliveryTracking? Tracking { get; set; }

    /// <summary>Whether <see cref="TryTake"/> has returned its last record.</summary>
    public bool IsTaken => _isOpen && _position >= _records.Length;

    /// <summary>Whether it has a record of an offset between its first and its last: what the broker cuts of a stored batch has the
    /// offsets of the whole. Under the consumer's lock.</summary>
    public bool Has(int offsetDelta) => Header.RecordCount == Header.LastOffsetDelta + 1
        || ((_members ??= FindMembers())[offsetDelta / 64] >> offsetDelta & 1) != 0;

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

    private ulong[] FindMembers()
    {
        var members = new ulong[(Header.LastOffsetDelta / 64) + 1];
        try
        {
            if (!_isOpen)
                Open();
            var reader = new RecordReader(_records.Span, Header);
            while (reader.TrySkip(out _, out _, out var delta))
                members[delta / 64] |= 1UL << delta;
        }
        catch (CometException)
        {
            // A damaged batch ends the consumer when its turn comes; until then it has what could be read.
        }
        return members;
    }

    private void Open()
    {
        Header = RecordBatch.Open(bytes);
        _records = RecordBatch.GetRecords(bytes, Header, MaxRestoredLength);
        _isOpen = true;
    }
}
