using System.Text;
using Comet.Server.Storage.Local;
using Comet.Wire;

namespace Comet.Server;

/// <summary>A message as a broker with local storage keeps it in the journal of a partition, for tools that look into a data
/// directory.</summary>
/// <param name="Offset">Its offset.</param>
/// <param name="Key">Its key, or null.</param>
/// <param name="Headers">Its headers.</param>
/// <param name="PublishTime">When its producer took it.</param>
/// <param name="AppendTime">When the broker stored it.</param>
/// <param name="DeliverAt">Its time, or null.</param>
/// <param name="Producer">The name of its producer.</param>
/// <param name="SequenceId">Its number among those of its producer, where all of the batch is as it was sent.</param>
/// <param name="Payload">Its payload.</param>
public sealed record StoredMessage(
    long Offset, string? Key, MessageHeaders Headers, DateTimeOffset PublishTime, DateTimeOffset AppendTime, DateTimeOffset? DeliverAt,
    string Producer, long SequenceId, ReadOnlyMemory<byte> Payload)
{
    private const int MaxRecordsLength = 64 * 1024 * 1024;

    /// <summary>Reads the messages in a record of such a journal.</summary>
    /// <param name="record">The record's payload; it is copied.</param>
    /// <param name="messages">The messages, in order.</param>
    /// <returns>False when the record is something else, or damaged.</returns>
    public static bool TryRead(ReadOnlySpan<byte> record, out IReadOnlyList<StoredMessage> messages)
    {
        messages = [];
        if (record.Length < LocalRecord.PrefixLength + RecordBatchHeader.Size)
            return false;
        try
        {
            ReadOnlyMemory<byte> batch = record[LocalRecord.PrefixLength..].ToArray();
            var header = RecordBatch.Open(batch.Span);
            messages = Read(batch, header);
            return true;
        }
        catch (CometException e) when (e.Code is ErrorCode.CorruptBatch or ErrorCode.UnsupportedCompression)
        {
            return false;
        }
    }

    private static List<StoredMessage> Read(ReadOnlyMemory<byte> batch, in RecordBatchHeader header)
    {
        var producer = Encoding.UTF8.GetString(batch.Span.Slice(RecordBatchHeader.Size, header.ProducerNameLength));
        var records = RecordBatch.GetRecords(batch, header, MaxRecordsLength);
        var reader = new RecordReader(records.Span, header);
        var messages = new List<StoredMessage>(header.RecordCount);
        while (reader.TryRead(out var message))
        {
            messages.Add(new(
                header.BaseOffset + message.OffsetDelta, message.HasKey ? Encoding.UTF8.GetString(message.Key) : null,
                RecordHeaders.Read(message.Headers.ToArray()), UnixMicroseconds.ToTime(message.Timestamp),
                UnixMicroseconds.ToTime(header.AppendTime), message.DeliverAt == 0 ? null : UnixMicroseconds.ToTime(message.DeliverAt),
                producer, header.BaseSequence + message.OffsetDelta, records.Slice(message.PayloadPosition, message.Payload.Length)));
        }
        return messages;
    }
}
