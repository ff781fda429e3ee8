using System.Buffers;
using Comet.Journals.Control;
using Comet.Journals.Records;

namespace Comet.Journals;

public sealed unsafe partial class JournalWriter
{
    /// <summary>The most bytes that a batch may take in the journal, with 24 to 31 bytes for each record beside its own: 256 MiB.</summary>
    public const int MaxBatchLength = 256 * 1024 * 1024;

    /// <summary>Appends one record whose bytes are in two parts, without joining them first.</summary>
    /// <param name="first">The first part, a header for example.</param>
    /// <param name="second">What comes behind it.</param>
    /// <returns>Its sequence and place.</returns>
    /// <exception cref="JournalException">It is too long, there is no room (transient), or the journal has failed.</exception>
    /// <exception cref="ObjectDisposedException">The writer or the journal is disposed.</exception>
    public JournalPosition Append(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        var length = (long)first.Length + second.Length;
        var record = Begin(length, out var claim, out var timestamp);
        first.CopyTo(new Span<byte>(record + RecordLayout.HeaderLength, first.Length));
        second.CopyTo(new Span<byte>(record + RecordLayout.HeaderLength + first.Length, second.Length));
        return End(record, (int)length, claim, timestamp);
    }

    /// <summary>Appends one record whose bytes are in any number of parts, without joining them first.</summary>
    /// <param name="payload">Its parts, one behind the other.</param>
    /// <returns>Its sequence and place.</returns>
    /// <exception cref="JournalException">It is too long, there is no room (transient), or the journal has failed.</exception>
    /// <exception cref="ObjectDisposedException">The writer or the journal is disposed.</exception>
    public JournalPosition Append(in ReadOnlySequence<byte> payload)
    {
        var length = payload.Length;
        var record = Begin(length, out var claim, out var timestamp);
        var at = record + RecordLayout.HeaderLength;
        foreach (var part in payload)
        {
            part.Span.CopyTo(new Span<byte>(at, part.Length));
            at += part.Length;
        }

        return End(record, (int)length, claim, timestamp);
    }

    /// <summary>Appends many records at once: they follow each other with nothing in between, and readers see all of them or none, also
    /// when the process is killed in the middle. After a power cut the first few may be there alone, unless they were confirmed as
    /// durable.</summary>
    /// <param name="payloads">The records; at least one, together at most <see cref="MaxBatchLength"/>.</param>
    /// <returns>The sequence and place of the first; the sequences of the others follow without a gap.</returns>
    /// <exception cref="ArgumentException">There is none.</exception>
    /// <exception cref="JournalException">One is too long, all together are, there is no room (transient), or the journal has
    /// failed.</exception>
    /// <exception cref="ObjectDisposedException">The writer or the journal is disposed.</exception>
    public JournalPosition AppendBatch(ReadOnlySpan<ReadOnlyMemory<byte>> payloads)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (payloads.IsEmpty)
            throw new ArgumentException("A batch must have at least one record.", nameof(payloads));

        var size = SizeOf(payloads);
        var claim = _cursor.Claim(size, payloads.Length, out var timestamp);
        var start = _cursor.Start + TailWord.Position(claim);
        var sequence = _cursor.FirstSequence + TailWord.Count(claim);
        // The first record is published last: until then readers wait at it, and when it is never, its whole claim is passed.
        var at = start + size;
        for (var i = payloads.Length - 1; i >= 0; i--)
        {
            var payload = payloads[i].Span;
            var length = RecordLayout.Size(payload.Length);
            at -= length;
            *(ulong*)(at + length - sizeof(ulong)) = 0;
            _cursor.Publish(at, RecordLayout.Word(RecordKind.Data, payload.Length), timestamp, sequence + i, payload);
        }

        var result = new JournalPosition(sequence, _cursor.Segment, TailWord.Position(claim));
        _cursor.Complete(claim, size, payloads.Length);
        return result;
    }

    private int SizeOf(ReadOnlySpan<ReadOnlyMemory<byte>> payloads)
    {
        var size = 0L;
        foreach (var payload in payloads)
        {
            if (payload.Length > _cursor.MaxRecordLength)
                throw TooLarge(payload.Length);
            size += RecordLayout.Size(payload.Length);
        }

        return size <= MaxBatchLength ? (int)size : throw new JournalException(JournalErrorCode.RecordTooLarge,
            $"The batch of {payloads.Length} records takes {size} bytes; a batch may take {MaxBatchLength} bytes "
            + $"({nameof(MaxBatchLength)}). Split it.");
    }

    private byte* Begin(long length, out ulong claim, out long timestamp)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (length > _cursor.MaxRecordLength)
            throw TooLarge((int)Math.Min(length, int.MaxValue));

        var size = RecordLayout.Size((int)length);
        claim = _cursor.Claim(size, 1, out timestamp);
        var record = _cursor.Start + TailWord.Position(claim);
        *(ulong*)(record + size - sizeof(ulong)) = 0;
        return record;
    }

    private JournalPosition End(byte* record, int length, ulong claim, long timestamp)
    {
        var sequence = _cursor.FirstSequence + TailWord.Count(claim);
        _cursor.Publish(record, RecordLayout.Word(RecordKind.Data, length), timestamp, sequence);
        var result = new JournalPosition(sequence, _cursor.Segment, TailWord.Position(claim));
        _cursor.Complete(claim, RecordLayout.Size(length), 1);
        return result;
    }
}
