using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Comet.Journals;
using Comet.Server.Storage.Memory;
using Comet.Wire;

namespace Comet.Server.Storage.Local;

/// <summary>A log in a journal of its own: a record for each batch. What was appended last is in memory as well. The journal is opened when
/// it is first needed, and closed again by <see cref="Rest"/> (decision 0090).</summary>
internal sealed partial class LocalPartitionLog : IPartitionLog, IDisposable
{
    // What memory holds of a partition at the most, as a part of what all have: others shall find some, too.
    private const int TailShare = 4;

    private readonly string _directory;
    private readonly LocalStorageOptions _options;
    private readonly MemoryBudget _budget;
    private readonly ILocalPartitionRecord _record;
    private readonly long _tailLimit;
    private readonly SegmentRemoval _removal = new();
    private OpenPartition? _open;
    private MemoryPartitionLog _tail;
    private Durability _level = Durability.Disk;
    private long _startOffset;
    private long _startPosition;
    private long _endPosition;
    private long _removedPosition;
    private long _lastAppendTime = long.MinValue;
    private long _epoch;
    private long _durable;
    private long _known;
    private long _keptFrom = long.MaxValue;
    private long _keptPosition = long.MaxValue;
    private bool _isKnown;
    private (Journal Journal, long End) _prepared;
    private bool _isLoaded;
    private bool _isDisposed;
    private (long Asked, long Found, long Offset) _timeHint = (long.MaxValue, long.MinValue, 0);

    public LocalPartitionLog(string directory, LocalStorageOptions options, MemoryBudget budget, ILocalPartitionRecord record)
    {
        (_directory, _options, _budget, _record) = (directory, options, budget, record);
        _tailLimit = Math.Max(budget.Limit / TailShare, MemoryBudget.MinSlabSize);
        _tail = new MemoryPartitionLog(budget, _tailLimit);
    }

    public long StartOffset
    {
        get
        {
            Load();
            return _startOffset;
        }
    }

    public long StableOffset => ReachedOffset(_level);

    public long EndOffset
    {
        get
        {
            Load();
            return _tail.EndOffset;
        }
    }

    public long Bytes
    {
        get
        {
            Load();
            return _endPosition - _startPosition;
        }
    }

    public LogSize? KnownSize => Volatile.Read(ref _isLoaded) ? LogSize.Of(_startOffset, _tail.EndOffset, _endPosition - _startPosition)
        : _record.IsNew ? default(LogSize) : null;

    public Durability Durability
    {
        get => _level;
        set => _level = value == Durability.None ? Durability.Disk : (Durability)Math.Max((int)value, (int)Durability.Os);
    }

    public string NoRoom { get; private set; } = "";

    /// <summary>How a commit makes the journal durable; a test gives its own.</summary>
    public Func<Journal, ValueTask> Flush { get; init; } = static journal => journal.FlushAsync();

    /// <summary>How a prepared commit makes the journal durable; a test gives its own.</summary>
    public Action<Journal> FlushHere { get; init; } = static journal => journal.Flush();

    /// <summary>Whether the journal is open.</summary>
    public bool IsOpen => _open is not null;

    public long Misses { get; private set; }

    /// <summary>Its journal while it is open; may be asked for from anywhere, and be closed any time.</summary>
    public Journal? Journal => Volatile.Read(ref _open)?.Journal;

    /// <summary>When its journal was last used, in milliseconds of the system's run. May be read from anywhere.</summary>
    public long LastUsed { get; private set; }

    /// <summary>How many bytes are in memory as well.</summary>
    public long TailBytes => _tail.Bytes;

    public bool IsAtHand(bool toAppend) => _open is not null || (_isLoaded && !toAppend && _startOffset == _tail.EndOffset);

    public long ReachedOffset(Durability level)
    {
        Load();
        return level >= Durability.Disk ? Volatile.Read(ref _durable)
            : Volatile.Read(ref _isKnown) ? _tail.EndOffset : Volatile.Read(ref _known);
    }

    public bool TryAppend(FencingToken fence, ReadOnlySpan<byte> batch, in RecordBatchHeader header, long appendTime)
    {
        if (!_record.HasRoom)
        {
            NoRoom = "the disk is full";
            return false;
        }
        Load();
        if (fence.Epoch < _epoch)
            throw new CometException(ErrorCode.NotOwner, $"The partition in {_directory} belongs to a later owner ({_epoch}, not "
                + $"{fence.Epoch}).");
        var time = Math.Max(_lastAppendTime, appendTime);
        Span<byte> head = stackalloc byte[LocalRecord.PrefixLength + RecordBatchHeader.Size];
        BinaryPrimitives.WriteInt64LittleEndian(head, _endPosition);
        batch[..RecordBatchHeader.Size].CopyTo(head[LocalRecord.PrefixLength..]);
        RecordBatch.Stamp(head[LocalRecord.PrefixLength..], EndOffset, fence.Epoch, time);
        try
        {
            Open().Append(head, batch[RecordBatchHeader.Size..], EndOffset);
        }
        catch (JournalException full) when (full.Code == JournalErrorCode.StorageFull)
        {
            NoRoom = $"the disk is full ({full.Message})";
            return false;
        }
        (_epoch, _lastAppendTime) = (fence.Epoch, time);
        _endPosition += batch.Length;
        Remember(fence, batch, header, time);
        return true;
    }

    public ValueTask CommitAsync(FencingToken fence, CancellationToken cancellationToken)
    {
        Load();
        return _open is { } open && (!_isKnown || Volatile.Read(ref _durable) < EndOffset)
            ? CommitAsync(open.Journal, EndOffset)
            : ValueTask.CompletedTask;
    }

    public bool TryPrepareCommit(FencingToken fence)
    {
        // The first commit of an opened journal waits for the metadata, too.
        if (_open is not { } open || !Volatile.Read(ref _isKnown))
            return false;
        _prepared = (open.Journal, EndOffset);
        return true;
    }

    public void CommitPrepared()
    {
        var (journal, end) = _prepared;
        FlushHere(journal);
        Volatile.Write(ref _durable, end);
    }

    public bool TryRead(long offset, out StoredBatch batch)
    {
        Load();
        batch = default;
        if (offset >= EndOffset)
            return false;
        offset = Math.Max(offset, _startOffset);
        if (offset >= _tail.StartOffset)
            return _tail.TryRead(offset, out batch);
        var open = Open();
        if (open.TryTake(offset, out batch))
            return true;
        if (!open.TryRead(offset, out var reader))
            return false;
        batch = reader.Batch;
        return true;
    }

    public bool TryReadKept(long offset, out StoredBatch batch)
    {
        Load();
        if (offset >= Math.Max(_startOffset, _tail.StartOffset))
            return TryRead(offset, out batch);
        batch = default;
        if (!Open().TryRead(offset, out var reader))
            return false;
        batch = reader.Batch;
        return true;
    }

    public bool TryPrepare(long offset)
    {
        Load();
        if (offset >= _tail.StartOffset || Open().TryPrepare(Math.Max(offset, _startOffset)))
            return true;
        Misses++;
        return false;
    }

    public long FindByAppendTime(long time)
    {
        Load();
        if (_startOffset == EndOffset || time > _lastAppendTime)
            return EndOffset;
        // The time to live asks for little more each time.
        if (time < _timeHint.Asked || time > _timeHint.Found)
            _timeHint = Find(time);
        return Math.Clamp(_timeHint.Offset, _startOffset, EndOffset);
    }

    public long BytesFrom(long offset)
    {
        Load();
        if (offset <= _startOffset)
            return Bytes;
        if (offset >= EndOffset)
            return 0;
        if (offset >= _tail.StartOffset)
            return _tail.BytesFrom(offset);
        return Open().TryRead(offset, out var reader) ? _endPosition - reader.Position : 0;
    }

    public void Rest()
    {
        // What is not known to be durable could fail to be, and somebody has to be told then.
        if (_open is null || _isDisposed || Volatile.Read(ref _durable) < EndOffset)
            return;
        Close();
        var end = EndOffset;
        Volatile.Write(ref _known, end);
        _tail.Dispose();
        _tail = new MemoryPartitionLog(_budget, _tailLimit, end);
        _record.Closed(isWhole: true, end);
        ForgetAcceptance();
    }

    public void Delete()
    {
        Dispose();
        _record.TakeFiles();
        try
        {
            Journal.Delete(_directory);
        }
        catch (Exception e) when (e is JournalException or IOException or UnauthorizedAccessException)
        {
            // Whoever removes the topic's directory tries again, and tells.
        }
        _record.Deleted();
    }

    /// <summary>Closes the journal, which flushes it.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _removal.End();
        if (_open is { Journal: var journal })
        {
            Close();
            // Also by the flush that closing is.
            var isWhole = _isLoaded && !journal.IsFaulted;
            _record.Closed(isWhole, _tail.EndOffset);
            if (isWhole)
                ForgetAcceptance();
        }
        _tail.Dispose();
    }

    private void Load()
    {
        if (_isLoaded)
            return;
        if (Directory.Exists(_directory))
            Open();
        else if (_record.HasFiles)
            throw new CometException(ErrorCode.StorageFailed, $"The directory {_directory} is gone, and messages were confirmed that are "
                + "in it. Put it back, or delete the topic.");
        else
            // Nobody has used it: it gets its files with its first message.
            Volatile.Write(ref _isLoaded, true);
    }

    private OpenPartition Open()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        LastUsed = Environment.TickCount64;
        if (_open is not null)
            return _open;
        _record.TakeFiles();
        RequireEndUntouched();
        _open = OpenJournal();
        _isKnown = false;
        _record.Opened();
        var found = _open.TryReadEnds(out var ends);
        if (_isLoaded)
            return _open;
        var end = found ? ends.Last.LastOffset + 1 : _record.StartOffset;
        RequireEnd(end);
        (_lastAppendTime, _epoch) = found ? (ends.Last.AppendTime, ends.Last.OwnershipEpoch) : (long.MinValue, 0);
        _endPosition = ends.EndPosition;
        (_startOffset, _startPosition) = found ? (ends.FirstOffset, ends.FirstPosition) : (end, 0);
        _removedPosition = _startPosition;
        _tail.Dispose();
        _tail = new MemoryPartitionLog(_budget, _tailLimit, end);
        // Recovery has written again and flushed what was not known to be durable.
        (_durable, _known) = (end, end);
        Volatile.Write(ref _isLoaded, true);
        if (_record.StartOffset > _startOffset && TryFindKept(Math.Min(_record.StartOffset, end), out var kept, out var position))
            (_startOffset, _startPosition) = (kept, position);
        return _open;
    }

    private OpenPartition OpenJournal()
    {
        try
        {
            return OpenPartition.Open(_directory, _options, _record);
        }
        catch (JournalException full) when (full.Code == JournalErrorCode.StorageFull && _record.MakeRoom())
        {
            // What is there has to be consumed so that the disk is full no more, and to open it takes room for a segment.
            return OpenPartition.Open(_directory, _options, _record);
        }
    }

    private void Close()
    {
        _open?.Dispose();
        _open = null;
        _isKnown = false;
    }

    /// <summary>Keeps a copy in memory; older ones make room for it. Without any room it is read from the journal.</summary>
    private void Remember(FencingToken fence, ReadOnlySpan<byte> batch, in RecordBatchHeader header, long time)
    {
        var end = _tail.EndOffset + header.RecordCount;
        while (!_tail.TryAppend(fence, batch, header, time))
        {
            if (_tail.StartOffset == _tail.EndOffset)
            {
                _tail.Dispose();
                _tail = new MemoryPartitionLog(_budget, _tailLimit, end);
                return;
            }
            // A quarter at once: slabs come back when all in them is gone.
            var aim = _tail.Bytes * 3 / 4;
            while (_tail.Bytes > aim && _tail.TryRead(_tail.StartOffset, out var oldest))
                _tail.TruncateBefore(fence, oldest.LastOffset + 1);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask CommitAsync(Journal journal, long end)
    {
        if (!Volatile.Read(ref _isKnown))
        {
            await _record.MarkAsync();
            Volatile.Write(ref _known, end);
            Volatile.Write(ref _isKnown, true);
        }
        await Flush(journal);
        Volatile.Write(ref _durable, end);
    }

    private (long Asked, long Found, long Offset) Find(long time)
    {
        // What the tail begins with says on which side the time lies.
        if (_tail.TryRead(_tail.StartOffset, out var first) && first.Header.AppendTime < time)
            return Hint(time, _tail.FindByAppendTime(time));
        return Open().TryFindTime(time, out var reader) && reader.Batch.LastOffset >= _startOffset
            ? (time, reader.Batch.Header.AppendTime, reader.Batch.BaseOffset)
            : Hint(time, _startOffset);
    }

    private (long Asked, long Found, long Offset) Hint(long time, long offset) => TryRead(offset, out var batch)
        ? (time, batch.Header.AppendTime, batch.BaseOffset)
        : (time, time, offset);
}
