using System.Numerics;

namespace Comet.Server.Broker;

/// <summary>A set of offsets as one bit each, in chunks that exist only where bits are set. New bits are set mostly at the end; the
/// front is given back as it empties.</summary>
internal sealed class OffsetBits
{
    private const int ChunkShift = 12;
    private const int ChunkMask = (1 << ChunkShift) - 1;
    private const int WordsPerChunk = 1 << (ChunkShift - 6);

    // The list moves down only when at least so many chunks at its front are gone, and half of all.
    private const int MinTrim = 64;

    private readonly List<Chunk?> _chunks = [];
    private long _firstChunk;
    private int _emptyFront;

    /// <summary>How many offsets are in the set.</summary>
    public long Count { get; private set; }

    /// <summary>The lowest offset of the set; <see cref="long.MaxValue"/> when it is empty.</summary>
    public long First => NextSet(0);

    public bool Contains(long offset) =>
        Find(offset) is { } chunk && (chunk.Words[(offset & ChunkMask) >> 6] & (1UL << (int)(offset & 63))) != 0;

    /// <summary>Adds an offset; false when it was there.</summary>
    public bool Add(long offset)
    {
        var chunk = FindOrCreate(offset >> ChunkShift);
        ref var word = ref chunk.Words[(offset & ChunkMask) >> 6];
        var bit = 1UL << (int)(offset & 63);
        if ((word & bit) != 0)
            return false;
        word |= bit;
        chunk.Count++;
        Count++;
        return true;
    }

    /// <summary>Removes an offset; false when it was not there.</summary>
    public bool Remove(long offset)
    {
        if (Find(offset) is not { } chunk)
            return false;
        ref var word = ref chunk.Words[(offset & ChunkMask) >> 6];
        var bit = 1UL << (int)(offset & 63);
        if ((word & bit) == 0)
            return false;
        word &= ~bit;
        Count--;
        if (--chunk.Count == 0)
            Drop((offset >> ChunkShift) - _firstChunk);
        return true;
    }

    /// <summary>The first offset of the set at or above <paramref name="offset"/>; <see cref="long.MaxValue"/> when there is
    /// none.</summary>
    public long NextSet(long offset)
    {
        if (Count == 0)
            return long.MaxValue;
        offset = Math.Max(offset, (_firstChunk + _emptyFront) << ChunkShift);
        for (var index = (offset >> ChunkShift) - _firstChunk; index < _chunks.Count; index++)
        {
            if (_chunks[(int)index] is { } chunk && chunk.NextSet((int)(offset & ChunkMask)) is >= 0 and var bit)
                return ((index + _firstChunk) << ChunkShift) + bit;
            offset = (index + _firstChunk + 1) << ChunkShift;
        }
        return long.MaxValue;
    }

    /// <summary>The first offset at or above <paramref name="offset"/> that is not in the set.</summary>
    public long NextClear(long offset)
    {
        while (Find(offset) is { } chunk)
        {
            if (chunk.NextClear((int)(offset & ChunkMask)) is >= 0 and var bit)
                return (offset & ~(long)ChunkMask) + bit;
            offset = ((offset >> ChunkShift) + 1) << ChunkShift;
        }
        return offset;
    }

    /// <summary>Removes what lies below <paramref name="offset"/>.</summary>
    public void RemoveBelow(long offset)
    {
        for (var first = First; first < offset; first = First)
            Remove(first);
    }

    private Chunk? Find(long offset)
    {
        var index = (offset >> ChunkShift) - _firstChunk;
        return index >= 0 && index < _chunks.Count ? _chunks[(int)index] : null;
    }

    private Chunk FindOrCreate(long number)
    {
        if (_chunks.Count == 0)
            _firstChunk = number;
        if (number < _firstChunk)
        {
            _chunks.InsertRange(0, new Chunk?[_firstChunk - number]);
            _firstChunk = number;
        }
        var index = (int)(number - _firstChunk);
        while (_chunks.Count <= index)
            _chunks.Add(null);
        _emptyFront = Math.Min(_emptyFront, index);
        return _chunks[index] ??= new Chunk();
    }

    private void Drop(long index)
    {
        _chunks[(int)index] = null;
        if (Count == 0)
        {
            _chunks.Clear();
            _emptyFront = 0;
            return;
        }
        while (_emptyFront < _chunks.Count && _chunks[_emptyFront] is null)
            _emptyFront++;
        if (_emptyFront < MinTrim || _emptyFront * 2 < _chunks.Count)
            return;
        _chunks.RemoveRange(0, _emptyFront);
        _firstChunk += _emptyFront;
        _emptyFront = 0;
    }

    private sealed class Chunk
    {
        public ulong[] Words { get; } = new ulong[WordsPerChunk];

        public int Count { get; set; }

        public int NextSet(int from) => Next(from, invert: false);

        public int NextClear(int from) => Count > ChunkMask ? -1 : Next(from, invert: true);

        private int Next(int from, bool invert)
        {
            var mask = ulong.MaxValue << (from & 63);
            for (var i = from >> 6; i < WordsPerChunk; i++)
            {
                var word = (invert ? ~Words[i] : Words[i]) & mask;
                if (word != 0)
                    return (i << 6) + BitOperations.TrailingZeroCount(word);
                mask = ulong.MaxValue;
            }
            return -1;
        }
    }
}
