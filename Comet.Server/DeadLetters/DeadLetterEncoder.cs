using System.Buffers;
using System.Globalization;
using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.DeadLetters;

/// <summary>Encodes dead letters as a batch for their topic: the messages as they were, with headers that say where they come from and
/// why.</summary>
internal sealed class DeadLetterEncoder(string producerName) : IDisposable
{
    private const int InitialBuffer = 4 * 1024;
    private const int MaxReasonLength = 1_000;
    private const int MaxRecordsLength = 2 * FrameLimits.HardMaxMessageLength;

    private readonly RecordBatchBuilder _builder = new(producerName, InitialBuffer);

    public int Count => _builder.Count;

    public int Length => _builder.Length;

    public void Add(DeadLetter letter)
    {
        var header = RecordBatch.Open(letter.Batch);
        var records = RecordBatch.GetRecords(letter.Batch, header, MaxRecordsLength);
        new RecordReader(records.Span, header).TryRead(out var record);
        var key = record.HasKey ? System.Text.Encoding.UTF8.GetString(record.Key) : null;
        _builder.BeginRecord(record.Timestamp, key, HeadersOf(letter, record.Headers), 0);
        _builder.Output.Write(record.Payload);
        _builder.EndRecord();
    }

    /// <summary>The batch; valid until <see cref="Reset"/>.</summary>
    public ReadOnlyMemory<byte> Complete(long baseSequence) => _builder.Complete(baseSequence, CompressionType.None);

    public void Reset() => _builder.Reset();

    public void Dispose() => _builder.Dispose();

    private static MessageHeaders HeadersOf(DeadLetter letter, ReadOnlySpan<byte> before)
    {
        var headers = new MessageHeaders();
        if (!before.IsEmpty)
        {
            // One that was moved back and is dead again says where it died last.
            foreach (var (name, value) in RecordHeaders.Read(before.ToArray()))
            {
                if (!name.StartsWith(DeadLetterHeaders.Prefix, StringComparison.Ordinal))
                    headers.Add(name, value);
            }
        }
        var text = letter.Reason.Text;
        headers.Add(DeadLetterHeaders.Reason, letter.Reason.IsGivenUp ? DeadLetterHeaders.GivenUp : DeadLetterHeaders.MaxDeliveries);
        headers.Add(DeadLetterHeaders.Exception, text.Length > MaxReasonLength ? text[..MaxReasonLength] : text);
        headers.Add(DeadLetterHeaders.Origin, new MessageId(letter.Topic, letter.Partition, letter.Offset).ToString());
        headers.Add(DeadLetterHeaders.Subscription, letter.Source.Name);
        headers.Add(DeadLetterHeaders.Deliveries, letter.DeliveryCount.ToString(CultureInfo.InvariantCulture));
        headers.Add(DeadLetterHeaders.Time, UnixMicroseconds.ToTime(letter.Time).ToString("O", CultureInfo.InvariantCulture));
        return headers;
    }
}
