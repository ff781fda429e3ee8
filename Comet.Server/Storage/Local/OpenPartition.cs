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
    private readonly OffsetMap _map = new();
    private long _uses;

    private OpenPartition(Journal journal)
    {
        Journal = journal;
        _writer = journal.CreateWriter();
    }

    public Journal Journal { get; }

    /// <summary>One more than the sequence of the last record.</summary>
    public long NextSequence { get; private set; }

    /// <summary>Opens the journal in a directory, and makes one where there is none; recovers it when it was not closed.</summary>
    public static OpenPartition Open(string directory, LocalStorageOptions options)
    {
        var journal = OpenJournal(directory, options);
        try
        {
            return new OpenPartition(journal);
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    /// <summary>Opens the journal alone.</summary>
    public static Journal OpenJournal(string directory, LocalStorageOptions options) =>
        Journal.Open(directory, new JournalOptions
        {
            Access = JournalAccess.Exclusive,
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
        ends = new StoredEnds { Last = reader.Batch.Header, EndPosition = reader.Position + reader.Batch.Bytes.Length };
        if (!reader.TrySeek(0))
            return false;
        _map.Found(reader.Batch.BaseOffset, reader.Sequence);
        ends = ends with { FirstOffset = reader.Batch.BaseOffset, FirstPosition = reader.Position };
        return true;
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
        if (!reader.TryFind(header => header.LastOffset < offset, before?.Sequence ?? 0, after?.Sequence ?? NextSequence))
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

    /// <summary>Removes the segments that lie wholly before a batch; returns whether there were any.</summary>
    public bool TruncateBefore(long sequence) => Journal.TruncateBefore(sequence) > 0;

    public void Truncated(long startOffset) => _map.Truncated(startOffset);

    public void Dispose()
    {
        foreach (var reader in _readers)
            reader.Dispose();
        _writer.Dispose();
        Journal.Dispose();
    }

    private ColdReader Used(ColdReader reader)
    {
        reader.LastUsed = ++_uses;
        return reader;
    }

    private ColdReader TakeReader()
    {
        if (_readers.Count < MaxReaders)
        {
            var added = new ColdReader(Journal);
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
