using System.Numerics;

namespace Comet.Server.Storage.Memory;

/// <summary>The memory that all partitions of a broker share, and slabs that were given back and wait for their next use.</summary>
internal sealed class MemoryBudget(long limit)
{
    /// <summary>The largest slab; a batch that is larger gets one of its own size.</summary>
    public const int MaxSlabSize = 1024 * 1024;

    /// <summary>The smallest slab: a quiet partition costs little.</summary>
    public const int MinSlabSize = 16 * 1024;

    // What is left below the limit and too small for a slab is at most such a part of it.
    private const int SlabsAtLeast = 16;

    // Spare slabs count against the limit as well, so that the limit is the truth; a few of them are enough for churn.
    private const int MaxSpareSlabs = 16;

    private readonly Stack<byte[]> _spare = new();
    private readonly Lock _gate = new();
    private long _used;

    public long Limit { get; } = limit;

    /// <summary>The size of a slab once a partition is busy.</summary>
    public int SlabSize { get; } = SlabSizeFor(limit);

    public long Used => Interlocked.Read(ref _used);

    /// <summary>The size of slabs under a limit: large, and yet small enough that nearly all of the limit can be used.</summary>
    public static int SlabSizeFor(long limit) =>
        (int)BitOperations.RoundUpToPowerOf2((ulong)(Math.Clamp(limit / SlabsAtLeast, MinSlabSize, MaxSlabSize) / 2) + 1);

    /// <summary>Takes a slab, or null when the limit does not allow it.</summary>
    public byte[]? TryRent(int size)
    {
        lock (_gate)
        {
            if (size == SlabSize && _spare.TryPop(out var spare))
                return spare;
            while (_used + size > Limit && _spare.TryPop(out var dropped))
                _used -= dropped.Length;
            if (_used + size > Limit)
                return null;
            _used += size;
        }
        return GC.AllocateUninitializedArray<byte>(size);
    }

    public void Return(byte[] slab)
    {
        lock (_gate)
        {
            if (slab.Length == SlabSize && _spare.Count < MaxSpareSlabs)
                _spare.Push(slab);
            else
                _used -= slab.Length;
        }
    }
}
