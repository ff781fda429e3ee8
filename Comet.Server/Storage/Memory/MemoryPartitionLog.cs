using Comet.Wire;

namespace Comet.Server.Storage.Memory;

/// <summary>A log in memory: batches back to back in slabs, found by binary search. Nothing survives the process.</summary>
/// <param name="budget">The memory that it shares with others.</param>
/// <param name="partitionLimit">The most it takes of that.</param>
/// <param name="startOffset">Where it begins.</param>
internal sealed class MemoryPartitionLog(MemoryBudget budget, long partitionLimit, long startOffset = 0) : IPartitionLog, IDisposable
{
    // A quiet partition costs little; a busy one soon reaches whole slabs.
    private readonly int _slabSize = Math.Min(budget.SlabSize, MemoryBudget.SlabSizeFor(partitionLimit));
    private Entry[] _entries = new Entry[16];
    private int _first;
    private int _count;
    private Slab? _current;
    private int _nextSlabSize = MemoryBudget.MinSlabSize;
    private long _slabBytes;
    private long _lastAppendTime = long.MinValue;
    private long _appendedBytes;

    public long StartOffset { get; private set; } = startOffset;

    public long StableOffset { get; private set; } = startOffset;

    public long EndOffset { get; private set; } = startOffset;

    public long Bytes { get; private set; }

    public LogSize? KnownSize => LogSize.Of(StartOffset, EndOffset, Bytes);

    public Durability Durability
    {
        get => Durability.Memory;
        set
        {
            // There is no other level here; the broker refuses topics that ask for more.
        }
    }

    public string NoRoom => "the broker's memory for messages is full";

    public long ReachedOffset(Durability level) => StableOffset;

    public bool TryAppend(FencingToken fence, ReadOnlySpan<byte> batch, in RecordBatchHeader header, long appendTime)
    {
        if (_current is null || _current.Free < batch.Length)
        {
            if (TryOpenSlab(batch.Length) is not { } opened)
                return false;
            Release(_current);
            _current = opened;
        }
        // Times are searched by halving, so a clock that was set back must not put an earlier one behind a later one.
        _lastAppendTime = Math.Max(_lastAppendTime, appendTime);
        var memory = _current.Take(batch.Length);
        batch.CopyTo(memory.Span);
        RecordBatch.Stamp(memory.Span, EndOffset, fence.Epoch, _lastAppendTime);
        var stamped = header with { BaseOffset = EndOffset, OwnershipEpoch = fence.Epoch, AppendTime = _lastAppendTime };
        Add(new Entry(new StoredBatch(memory, stamped), _current, _appendedBytes));
        EndOffset = stamped.LastOffset + 1;
        Bytes += batch.Length;
        _appendedBytes += batch.Length;
        return true;
    }

    public ValueTask CommitAsync(FencingToken fence, CancellationToken cancellationToken)
    {
        StableOffset = EndOffset;
        return ValueTask.CompletedTask;
    }

    public bool TryRead(long offset, out StoredBatch batch)
    {
        var index = IndexOf(offset);
        batch = index < _count ? At(index).Batch : default;
        return index < _count;
    }

    public bool TryReadKept(long offset, out StoredBatch batch) => TryRead(offset, out batch);

    public bool HoldsBack => false;

    public void Keep(long offset)
    {
        // Nothing is had again after a crash.
    }

    public long FindByAppendTime(long time)
    {
        var (low, high) = (0, _count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (At(middle).Batch.Header.AppendTime < time)
                low = middle + 1;
            else
                high = middle;
        }
        return low < _count ? At(low).Batch.BaseOffset : EndOffset;
    }

    public long BytesFrom(long offset)
    {
        if (offset <= StartOffset)
            return Bytes;
        var index = IndexOf(offset);
        return index < _count ? _appendedBytes - At(index).Position : 0;
    }

    public void TruncateBefore(FencingToken fence, long offset)
    {
        while (_count > 0 && At(0).Batch.LastOffset < offset)
        {
            ref var entry = ref At(0);
            StartOffset = entry.Batch.LastOffset + 1;
            Bytes -= entry.Batch.Bytes.Length;
            entry.Slab.Batches--;
            if (entry.Slab != _current)
                Release(entry.Slab);
            entry = default;
            _first = (_first + 1) & (_entries.Length - 1);
            _count--;
        }
        // An empty slab of a partition that has fallen quiet is worth more elsewhere.
        if (_count == 0 && _current is not null)
        {
            (var emptied, _current) = (_current, null);
            Release(emptied);
        }
    }

    public void Rest()
    {
        // What it has is nowhere else.
    }

    public void Delete() => Dispose();

    public void Dispose() => TruncateBefore(default, long.MaxValue);

    private Slab? TryOpenSlab(int atLeast)
    {
        var size = Math.Max(atLeast, _nextSlabSize);
        if (_slabBytes + size > partitionLimit || budget.TryRent(size) is not { } bytes)
            return null;
        _nextSlabSize = Math.Min(_nextSlabSize * 4, _slabSize);
        _slabBytes += size;
        return new Slab(bytes);
    }

    private void Release(Slab? slab)
    {
        if (slab is not { Batches: 0 })
            return;
        _slabBytes -= slab.Bytes.Length;
        budget.Return(slab.Bytes);
    }

    private ref Entry At(int index) => ref _entries[(_first + index) & (_entries.Length - 1)];

    private void Add(in Entry entry)
    {
        if (_count == _entries.Length)
        {
            var larger = new Entry[_entries.Length * 2];
            for (var i = 0; i < _count; i++)
                larger[i] = At(i);
            (_entries, _first) = (larger, 0);
        }
        At(_count++) = entry;
    }

    /// <summary>The index of the first batch whose last offset is not below <paramref name="offset"/>.</summary>
    private int IndexOf(long offset)
    {
        var (low, high) = (0, _count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (At(middle).Batch.LastOffset < offset)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    /// <param name="Batch">The batch.</param>
    /// <param name="Slab">Where it stands.</param>
    /// <param name="Position">How many bytes were appended before it, ever.</param>
    private readonly record struct Entry(StoredBatch Batch, Slab Slab, long Position);

    private sealed class Slab(byte[] bytes)
    {
        private int _used;

        public byte[] Bytes { get; } = bytes;

        public int Batches { get; set; }

        public int Free => Bytes.Length - _used;

        public Memory<byte> Take(int length)
        {
            var memory = Bytes.AsMemory(_used, length);
            _used += length;
            Batches++;
            return memory;
        }
    }
}
