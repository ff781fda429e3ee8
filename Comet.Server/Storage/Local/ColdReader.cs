using System.Buffers;
using System.Buffers.Binary;
using Comet.Journals;
using Comet.Wire;

namespace Comet.Server.Storage.Local;

/// <summary>One place of a journal where batches are being read: a reader that stands behind the batch that was read last, and a copy of
/// that. What is asked for next is mostly that batch again or the one behind it.</summary>
/// <param name="journal">The journal.</param>
/// <param name="readsOnce">Whether what is read lies one behind the other, and is not read again soon.</param>
internal sealed class ColdReader(Journal journal, bool readsOnce) : IDisposable
{
    // Records up to which it is cheaper to read on than to look for the place.
    private const int ReadOn = 8;

    private readonly JournalReader _reader = Open(journal, readsOnce);
    private byte[] _buffer = [];

    /// <summary>The batch that was read last; its bytes are valid until the next one is read.</summary>
    public StoredBatch Batch { get; private set; }

    /// <summary>How many bytes were appended before it, ever.</summary>
    public long Position { get; private set; }

    /// <summary>The sequence of its record; -1 when there is no batch.</summary>
    public long Sequence { get; private set; } = -1;

    /// <summary>When it was last used, as a count of uses.</summary>
    public long LastUsed { get; set; }

    public bool Holds(long offset) => Sequence >= 0 && Batch.BaseOffset <= offset && offset <= Batch.LastOffset;

    /// <summary>Whether a batch that begins at an offset is the one behind the batch that was read last.</summary>
    public bool IsBefore(long offset) => Sequence >= 0 && Batch.LastOffset + 1 == offset;

    /// <summary>Reads the next batch; false when there is none.</summary>
    public bool TryReadNext()
    {
        if (!_reader.TryRead(out var record))
            return false;
        var payload = record.Payload;
        if (payload.Length < LocalRecord.PrefixLength + RecordBatchHeader.Size)
            throw LocalRecord.Unknown(journal.DirectoryPath, record.Sequence);
        var batch = payload[LocalRecord.PrefixLength..];
        if (_buffer.Length < batch.Length)
        {
            Return();
            _buffer = ArrayPool<byte>.Shared.Rent(batch.Length);
        }
        batch.CopyTo(_buffer);
        Batch = new(_buffer.AsMemory(0, batch.Length), RecordBatchHeader.Read(batch));
        Position = BinaryPrimitives.ReadInt64LittleEndian(payload);
        Sequence = record.Sequence;
        return true;
    }

    /// <summary>Reads the first batch for which a condition does not hold; false when there is none. The condition holds for the first
    /// batches and for none behind them.</summary>
    /// <param name="isBefore">The condition.</param>
    /// <param name="low">It holds for all batches whose sequence is lower.</param>
    /// <param name="high">It does not hold for batches of this sequence or a higher one.</param>
    public bool TryFind(Func<RecordBatchHeader, bool> isBefore, long low, long high)
    {
        while (high - low > ReadOn)
        {
            var middle = low + ((high - low) / 2);
            if (TrySeek(middle) && isBefore(Batch.Header))
                low = Sequence + 1;
            else
                high = middle;
        }
        for (var found = TrySeek(low); found; found = TryReadNext())
        {
            if (!isBefore(Batch.Header))
                return true;
        }
        return false;
    }

    /// <summary>Reads the batch that holds an offset, or the first behind it; false when there is none. Where batches are about equal, it
    /// is the first or second that is looked at.</summary>
    /// <param name="offset">The offset.</param>
    /// <param name="low">All batches whose sequence is lower end before the offset.</param>
    /// <param name="high">Batches of this sequence or a higher one lie behind the offset.</param>
    public bool TryFindOffset(long offset, OffsetPoint low, OffsetPoint high)
    {
        for (var look = 0; low.Sequence < high.Sequence; look++)
        {
            // Halving every third time bounds it where batches are not equal.
            var guess = look % 3 == 2 ? low.Sequence + ((high.Sequence - low.Sequence) / 2) : Guess(offset, low, high);
            if (!TrySeek(guess))
                high = high with { Sequence = guess };
            else if (Batch.LastOffset < offset)
                low = new(Batch.LastOffset + 1, Sequence + 1);
            else if (Batch.BaseOffset <= offset)
                return true;
            else
                high = new(Batch.BaseOffset, guess);
        }
        return TrySeek(low.Sequence);
    }

    /// <summary>Reads the batch of a sequence, or the first behind it.</summary>
    public bool TrySeek(long sequence)
    {
        _reader.Seek(JournalStart.AtSequence(sequence));
        return TryReadNext();
    }

    /// <summary>Reads the last batch.</summary>
    public bool TryReadLast()
    {
        _reader.Seek(JournalStart.End);
        return _reader.TryReadBackward(out _) && TryReadNext();
    }

    public void Dispose()
    {
        _reader.Dispose();
        Return();
    }

    // What is mapped counts as the broker's memory, and a backlog may be of any size. A batch here and one there are little.
    private static JournalReader Open(Journal journal, bool readsOnce)
    {
        var reader = journal.CreateReader();
        reader.ReadsOnce = readsOnce;
        return reader;
    }

    private static long Guess(long offset, OffsetPoint low, OffsetPoint high)
    {
        var (span, offsets) = (high.Sequence - low.Sequence, Math.Max(1, high.BaseOffset - low.BaseOffset));
        return low.Sequence + Math.Clamp((long)((double)(offset - low.BaseOffset) / offsets * span), 0, span - 1);
    }

    private void Return()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        (Batch, Sequence) = (default, -1);
    }
}

/// <summary>A record of a partition's journal: how many bytes were appended before its batch, ever (i64, little-endian), then the
/// batch.</summary>
internal static class LocalRecord
{
    public const int PrefixLength = sizeof(long);

    public static CometException Unknown(string directory, long sequence) => new(ErrorCode.StorageFailed,
        $"Record {sequence} of the journal in {directory} is no batch of messages: something else has written there. Restore the "
        + "directory from a copy.");
}
