using System.Numerics;
using System.Runtime.CompilerServices;

namespace Comet.Wire;

/// <summary>Variable-length integers: seven bits a byte, lowest first, the top bit set on all but the last (LEB128, as in
/// Protocol Buffers); signed ones zigzag first.</summary>
internal static class Varint
{
    /// <summary>The most bytes a 64-bit integer takes.</summary>
    public const int MaxLength = 10;

    public static int Length(ulong value) => ((BitOperations.Log2(value | 1) * 37) >> 8) + 1 is var n && n > 9 ? 10 : n;

    /// <summary>Writes and returns how many bytes were taken. <paramref name="target"/> has room for <see cref="MaxLength"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Write(Span<byte> target, ulong value)
    {
        var i = 0;
        while (value >= 0x80)
        {
            target[i++] = (byte)(value | 0x80);
            value >>= 7;
        }
        target[i++] = (byte)value;
        return i;
    }

    /// <summary>Reads and returns how many bytes were taken: 0 when <paramref name="source"/> ends too early, -1 when the
    /// number does not fit into 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Read(ReadOnlySpan<byte> source, out ulong value)
    {
        if (source.Length > 0 && source[0] < 0x80)
        {
            value = source[0];
            return 1;
        }
        return ReadLong(source, out value);
    }

    public static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    public static long UnZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    private static int ReadLong(ReadOnlySpan<byte> source, out ulong value)
    {
        value = 0;
        for (var i = 0; i < source.Length; i++)
        {
            if (i == MaxLength - 1 && source[i] > 1)
                return -1;
            value |= (ulong)(source[i] & 0x7F) << (7 * i);
            if (source[i] < 0x80)
                return i + 1;
        }
        return 0;
    }
}
