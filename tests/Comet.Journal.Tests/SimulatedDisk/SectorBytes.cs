using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>The bytes of a file, at an address that stays, taken from and given back to a pool: a hundred thousand disks are made from
/// them.</summary>
internal sealed unsafe class SectorBytes
{
    public const int SectorLength = 512;

    private static readonly ConcurrentDictionary<int, ConcurrentBag<byte[]>> Pool = new();

    private byte[] _bytes;

    private SectorBytes(byte[] bytes) => _bytes = bytes;

    /// <summary>Bytes that are zero, at least so many, in whole sectors.</summary>
    public static SectorBytes Zero(long length)
    {
        var bytes = Take(RoundUp(length));
        bytes._bytes.AsSpan().Clear();
        return bytes;
    }

    public int Length => _bytes.Length;

    public byte* Pointer => (byte*)Unsafe.AsPointer(ref _bytes[0]);

    public Span<byte> Span => _bytes;

    public SectorBytes Copy()
    {
        var copy = Take(_bytes.Length);
        _bytes.AsSpan().CopyTo(copy._bytes);
        return copy;
    }

    public Span<byte> Sector(int index) => _bytes.AsSpan(index * SectorLength, SectorLength);

    /// <summary>Nobody uses them any more.</summary>
    public void Recycle()
    {
        if (_bytes.Length > 0)
            Pool.GetOrAdd(_bytes.Length, static _ => []).Add(_bytes);
        _bytes = [];
    }

    private static SectorBytes Take(int length) => new(
        Pool.TryGetValue(length, out var pool) && pool.TryTake(out var bytes)
            ? bytes
            : GC.AllocateUninitializedArray<byte>(length, pinned: true));

    private static int RoundUp(long length) => (int)Math.Max(SectorLength, (length + SectorLength - 1) / SectorLength * SectorLength);
}
