using Comet.Journals;
using Comet.Wire;

namespace Comet.Server.Storage.Local;

/// <summary>The journal of a partition while it is open: one writer and a few reading places.</summary>
internal sealed class OpenPartition : IDisposable
{
    // Subscriptions that lag at so many different places are read for one behind the other; more of them look for their place anew.
    private const int MaxReaders = 4;

    // The broker appends with one writer; others are spare, for what a killed process has left.
    private const int MaxWriters = 4;

    private readonly JournalWriter _writer;
    private readonly List<ColdReader> _readers = [];
    private readonly List<ReadAhead> _ahead = [];
    private readonly ILocalPartitionRecord _record;
    private readonly OffsetMap _map = new();
    private long _uses;
    private long _lastOffset;

    private OpenPartition(Journal journal, ILocalPartitionRecord record)
    {
        (Journal, _record) = (journal, record);
        _writer = journal.CreateWriter();
    }

    public Journal Journal { get; }

    /// <summary>One more than the sequence of the last record.</summary>
    public long NextSequence { get; private set; }

    /// <summary>Whether something is being read ahead.</summary>
    public bool IsFetching => _ahead.Exists(static place => place.IsFilling);

    /// <summary>Opens the journal in a directory, and makes one where there is none; recovers it when it was not closed.</summary>
    public static OpenPartition Open(string directory, LocalStorageOptions options, ILocalPartitionRecord record)
    {
        var journal = OpenJournal(directory, options);
        try
        {
            return new OpenPartition(journal, record);
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    /// <summary>The offset behind the last batch of a journal that nobody has open, as recovery will find it; changes nothing. Null when
    /// there is no batch.</summary>
    /// <exception cref="JournalException">It is damaged, or cannot be read.</exception>
    public static long? ReadEnd(string directory, LocalStorageOptions options)
    {
        using var journal = OpenJournal(directory, options, JournalAccess.ReadOnly);
        using var reader = new ColdReader(journal, readsOnce: true);
        return reader.TryReadLast() ? reader.Batch.LastOffset + 1 : null;
    }

    /// <summary>Opens the journal alone.</summary>
    public static Journal OpenJournal(
        string directory, LocalStorageOptions options, JournalAccess access = JournalAccess.Exclusive) =>
        Journal.Open(directory, new JournalOptions
        {
            Access = access,
            RollCycle = RollCycle.BySize,
            FirstSegmentLength = Math.Min(LocalStorageOptions.FirstSegmentLength, options.MaxSegmentLength),
            MaxSegmentLength = options.MaxSegmentLength,
            MaxWriters = MaxWriters,
            FlushInterval = options.FlushInterval,
            FlushLength = options.FlushLength,
            OpenTimeout = TimeSpan.Zero,
            Keys = options.Keys,
        });

    /// <summary>Appends a batch whose prefix and stamped header are given apart.</summary>
    public JournalPosition Append(ReadOnlySpan<byte> head, ReadOnlySpan<byte> rest, long baseOffset)
    {
        var position = _writer.Append(head, rest);
        NextSequence = position.Sequence + 1;
        _map.Appended(baseOffset, position.Sequence);
        _lastOffset = baseOffset;
        return position;
    }

    /// <summary>The first and the last batch; false when there is none.</summary>
    public bool TryReadEnds(out StoredEnds ends)
    {
        ends = default;
        var reader = TakeReader();
        if (!reader.TryReadLast())
            return false;
        NextSequence = reader.Sequence + 1;
        _lastOffset = reader.Batch.LastOffset;
        ends = new StoredEnds { Last = reader.Batch.Header, EndPosition = reader.Position + reader.Batch.Bytes.Length };
        if (!reader.TrySeek(0))
            return false;
        _map.Found(reader.Batch.BaseOffset, reader.Sequence);
        ends = ends with { FirstOffset = reader.Batch.BaseOffset, FirstPosition = reader.Position };
        return true;
    }

    /// <summary>Whether the batch that holds an offset, or the first behind it, can be read without waiting; otherwise it is being read
    /// from now on, by a place that is not used for now.</summary>
    public bool TryPrepare(long offset)
    {
        foreach (var place in _ahead)
        {
            var found = place.Find(offset);
            if (found == ReadPlace.Elsewhere)
                continue;
            place.LastUsed = ++_uses;
            return found == ReadPlace.Here;
        }
        if (TakePlace() is not { } free)
            // All are being filled: when one is, this is asked again. Without any memory it is read by whoever needs it.
            return !IsFetching;
        free.LastUsed = ++_uses;
        var (before, after) = _map.Around(offset);
        free.MoveTo(offset, before?.Sequence ?? 0, after?.Sequence ?? NextSequence);
        return false;
    }

    /// <summary>Takes the batch that holds an offset, or the first behind it, when it was read ahead. Its bytes are valid until the next
    /// call.</summary>
    public bool TryTake(long offset, out StoredBatch batch)
    {
        foreach (var place in _ahead)
        {
            if (place.TryTake(offset, out batch, out _))
                return true;
        }
        batch = default;
        return false;
    }

    /// <summary>Finds the batch that holds an offset, or the first behind it.</summary>
    public bool TryRead(long offset, out ColdReader reader)
    {
        foreach (var candidate in _readers)
        {
            if (!candidate.Holds(offset) && !(candidate.IsBefore(offset) && candidate.TryReadNext()))
                continue;
            reader = Used(candidate);
            return true;
        }
        reader = Used(TakeReader());
        var (before, after) = _map.Around(offset);
        // The batch before may end before the offset; it may also hold it.
        if (!reader.TryFindOffset(offset, before ?? default, after ?? new(_lastOffset + 1, NextSequence)))
            return false;
        _map.Found(reader.Batch.BaseOffset, reader.Sequence);
        return true;
    }

    /// <summary>Finds the first batch that was appended at a time or later.</summary>
    public bool TryFindTime(long time, out ColdReader reader)
    {
        reader = Used(TakeReader());
        return reader.TryFind(header => header.AppendTime < time, 0, NextSequence);
    }

    /// <summary>What removes the segments that lie wholly before the batch of an offset, on any thread.</summary>
    /// <param name="startOffset">The first offset that stays.</param>
    /// <param name="isEmpty">Whether nothing stays.</param>
    public Action PrepareTruncation(long startOffset, bool isEmpty)
    {
        var (journal, next) = (Journal, NextSequence);
        // The last record stays, whatever is dropped: it tells where the log ends.
        if (isEmpty)
            return () => journal.TruncateBefore(next - 1);
        var (before, after) = _map.Around(startOffset);
        return () =>
        {
            using var reader = new ColdReader(journal, readsOnce: false);
            if (reader.TryFind(header => header.LastOffset < startOffset, before?.Sequence ?? 0, after?.Sequence ?? next))
                journal.TruncateBefore(reader.Sequence);
        };
    }

    public void Truncated(long startOffset) => _map.Truncated(startOffset);

    public void Dispose()
    {
        foreach (var reader in _readers)
            reader.Dispose();
        foreach (var place in _ahead)
            place.Dispose();
        _writer.Dispose();
        Journal.Dispose();
    }

    /// <summary>A place to read ahead at: a new one, or the longest unused of those that nothing is on its way to; null when there is
    /// none.</summary>
    private ReadAhead? TakePlace()
    {
        if (_ahead.Count < MaxReaders && ReadAhead.TryCreate(Journal, _record.ReadAheadBudget, _record.Run, _record.Filled) is { } added)
        {
            _ahead.Add(added);
            return added;
        }
        // What was read and not taken yet stays, unless nobody comes for any of it: two that take turns would throw out each other's.
        return Oldest(static place => !place.IsFilling && !place.IsFresh) ?? (IsFetching ? null : Oldest(static _ => true));
    }

    private ReadAhead? Oldest(Predicate<ReadAhead> isCandidate) =>
        _ahead.FindAll(isCandidate).MinBy(static place => place.LastUsed);

    private ColdReader Used(ColdReader reader)
    {
        reader.LastUsed = ++_uses;
        return reader;
    }

    private ColdReader TakeReader()
    {
        if (_readers.Count < MaxReaders)
        {
            var added = new ColdReader(Journal, readsOnce: false);
            _readers.Add(added);
            return added;
        }
        var oldest = _readers[0];
        foreach (var reader in _readers)
        {
            if (reader.LastUsed < oldest.LastUsed)
                oldest = reader;
        }
        return oldest;
    }
}

/// <summary>What the first and the last batch of a journal tell.</summary>
internal readonly record struct StoredEnds
{
    public long FirstOffset { get; init; }

    /// <summary>How many bytes were appended before the first batch that is kept.</summary>
    public long FirstPosition { get; init; }

    public RecordBatchHeader Last { get; init; }

    /// <summary>How many bytes were appended, ever.</summary>
    public long EndPosition { get; init; }
}
