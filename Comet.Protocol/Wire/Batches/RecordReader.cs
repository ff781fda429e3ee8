using System.Buffers.Binary;

namespace Comet.Wire;

/// <summary>Walks over the records of a batch.</summary>
/// <remarks>
/// Record: <c>u32 length of what follows | u8 flags | varint offset delta | zigzag timestamp delta | [key: varint length, UTF-8] |
/// [zigzag deliver-at delta] | [headers: varint length, see RecordHeaders] | payload to the end</c>. Deltas are from the batch's header,
/// never from the record before, so any choice of records is a batch again without being written anew.
/// </remarks>
internal ref struct RecordReader(ReadOnlySpan<byte> records, in RecordBatchHeader header)
{
    /// <summary>Length, flags, offset delta, timestamp delta.</summary>
    public const int MinRecordLength = 4 + 1 + 1 + 1;

    private readonly ReadOnlySpan<byte> _records = records;
    private readonly long _firstTimestamp = header.FirstTimestamp;
    private readonly int _lastOffsetDelta = header.LastOffsetDelta;
    private int _position;
    private int _previousOffsetDelta = -1;

    /// <summary>Where the next record begins.</summary>
    public readonly int Position => _position;

    /// <summary>Goes on at a position that an earlier walk has returned.</summary>
    public void SeekTo(int position, int previousOffsetDelta) => (_position, _previousOffsetDelta) = (position, previousOffsetDelta);

    /// <summary>Reads the next record; false at the end.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.CorruptBatch"/>.</exception>
    public bool TryRead(out Record record)
    {
        record = default;
        if (_position == _records.Length)
            return false;
        var start = _position;
        var body = TakeBody(out var bodyPosition);
        var flags = (RecordFlags)body[0];
        var at = 1;
        var offsetDelta = (int)Math.Min(ReadVarint(body, ref at), int.MaxValue);
        var timestamp = _firstTimestamp + Varint.UnZigZag(ReadVarint(body, ref at));
        var key = (flags & RecordFlags.HasKey) != 0 ? ReadBytes(body, ref at) : default;
        var deliverAt = (flags & RecordFlags.HasDeliverAt) != 0 ? _firstTimestamp + Varint.UnZigZag(ReadVarint(body, ref at)) : 0;
        var headers = (flags & RecordFlags.HasHeaders) != 0 ? ReadBytes(body, ref at) : default;
        CheckDelta(offsetDelta);
        record = new Record
        {
            OffsetDelta = offsetDelta,
            Timestamp = timestamp,
            DeliverAt = deliverAt,
            HasKey = (flags & RecordFlags.HasKey) != 0,
            Key = key,
            Headers = headers,
            Payload = body[at..],
            PayloadPosition = bodyPosition + at,
            Position = start,
            Length = _position - start,
        };
        return true;
    }

    /// <summary>Goes over the next record so that it is known that <see cref="TryRead"/> can read it, and that the batch says what its
    /// records have; false at the end. Costs little more than skipping it.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.CorruptBatch"/>.</exception>
    public bool TryCheck(RecordBatchAttributes attributes, out int length)
    {
        var start = _position;
        length = 0;
        if (start == _records.Length)
            return false;
        var body = TakeBody(out _);
        length = _position - start;
        var (flags, at) = ((RecordFlags)body[0], 1);
        var offsetDelta = (int)Math.Min(ReadVarint(body, ref at), int.MaxValue);
        ReadVarint(body, ref at);
        if (flags != RecordFlags.None)
            CheckExtras(body, at, flags, attributes);
        CheckDelta(offsetDelta);
        return true;
    }

    /// <summary>Reads only where the next record stands and its offset delta; false at the end. For cutting.</summary>
    public bool TrySkip(out int position, out int length, out int offsetDelta)
    {
        position = _position;
        length = 0;
        offsetDelta = 0;
        if (_position == _records.Length)
            return false;
        var body = TakeBody(out _);
        var at = 1;
        offsetDelta = (int)Math.Min(ReadVarint(body, ref at), int.MaxValue);
        length = _position - position;
        CheckDelta(offsetDelta);
        return true;
    }

    private static void CheckExtras(ReadOnlySpan<byte> body, int at, RecordFlags flags, RecordBatchAttributes attributes)
    {
        if ((flags & RecordFlags.HasKey) != 0)
        {
            Require(attributes, RecordBatchAttributes.HasKeys);
            ReadBytes(body, ref at);
        }
        if ((flags & RecordFlags.HasDeliverAt) != 0)
        {
            Require(attributes, RecordBatchAttributes.HasDelayed);
            ReadVarint(body, ref at);
        }
        if ((flags & RecordFlags.HasHeaders) != 0)
            ReadBytes(body, ref at);
    }

    private static void Require(RecordBatchAttributes attributes, RecordBatchAttributes wanted)
    {
        if ((attributes & wanted) == 0)
            throw RecordBatchHeader.Corrupt($"it does not say {wanted}, and a record has that");
    }

    private void CheckDelta(int offsetDelta)
    {
        if (offsetDelta <= _previousOffsetDelta || offsetDelta > _lastOffsetDelta)
            throw RecordBatchHeader.Corrupt($"the offset delta {offsetDelta} follows {_previousOffsetDelta}, and the last is "
                + $"{_lastOffsetDelta}");
        _previousOffsetDelta = offsetDelta;
    }

    private ReadOnlySpan<byte> TakeBody(out int bodyPosition)
    {
        var left = _records[_position..];
        if (left.Length < MinRecordLength)
            throw RecordBatchHeader.Corrupt("its last record is cut off");
        var length = BinaryPrimitives.ReadUInt32LittleEndian(left);
        if (length < MinRecordLength - 4 || length > (uint)(left.Length - 4))
            throw RecordBatchHeader.Corrupt($"a record says it has {length} bytes where {left.Length - 4} are left");
        bodyPosition = _position + 4;
        _position += 4 + (int)length;
        return left.Slice(4, (int)length);
    }

    private static ulong ReadVarint(ReadOnlySpan<byte> body, scoped ref int at)
    {
        var read = Varint.Read(body[at..], out var value);
        if (read <= 0)
            throw RecordBatchHeader.Corrupt("a number in a record does not end where it should");
        at += read;
        return value;
    }

    private static ReadOnlySpan<byte> ReadBytes(ReadOnlySpan<byte> body, scoped ref int at)
    {
        var length = ReadVarint(body, ref at);
        if (length > (ulong)(body.Length - at))
            throw RecordBatchHeader.Corrupt("a key or the headers of a record are longer than the record");
        var bytes = body.Slice(at, (int)length);
        at += (int)length;
        return bytes;
    }
}
