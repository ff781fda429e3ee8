using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Comet.Journals.Packing;

/// <summary>Memory that does not move and is used again; it grows to what is asked for.</summary>
internal sealed unsafe class PinnedBuffer
{
    // One huge record does not hold its memory for ever.
    private const int MostKept = 1 << 20;

    private byte[] _bytes = [];

    public byte* Pointer { get; private set; }

    /// <summary>Room for so many bytes; what was in it may be lost.</summary>
    public Span<byte> Take(int length)
    {
        if (_bytes.Length < length || (_bytes.Length > MostKept && length <= MostKept))
        {
            _bytes = GC.AllocateUninitializedArray<byte>(Math.Max(length, 2 * PackedBlock.TargetLength), pinned: true);
            Pointer = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_bytes));
        }

        return _bytes.AsSpan(0, length);
    }

    public ReadOnlyMemory<byte> Memory(int start, int length) => _bytes.AsMemory(start, length);
}
