using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Comet.Journals.Records;

/// <summary>CRC-32C (Castagnoli) over whole 8-byte words, as a running state: of "123456789", begun with all ones and inverted at the end,
/// it is E3069283.</summary>
internal static unsafe class Crc32C
{
    private const int MaxLane = 128;
    private const int MinInterleaved = 24;

    // Shift[n] carries a state over n words of zeros: x^(64n - 33) modulo the polynomial, bits reflected, for a carry-less product.
    private static readonly ulong[] Shift = Shifts();

    public static uint Append(uint state, uint value) => BitOperations.Crc32C(state, value);

    public static uint Append(uint state, ulong value) => BitOperations.Crc32C(state, value);

    /// <summary>The instruction takes one word each cycle but needs three for its result: three lanes keep it busy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Append(uint state, ulong* words, nint count) => count >= MinInterleaved && Pclmulqdq.IsSupported
        ? AppendInterleaved(state, words, count)
        : AppendPlain(state, words, count);

    public static uint Append(uint state, ReadOnlySpan<byte> bytes)
    {
        foreach (var each in bytes)
            state = BitOperations.Crc32C(state, each);
        return state;
    }

    /// <summary>The CRC-32C of some bytes, begun and inverted as usual.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            var words = bytes.Length / sizeof(ulong);
            return ~Append(Append(uint.MaxValue, (ulong*)start, words), bytes[(words * sizeof(ulong))..]);
        }
    }

    private static uint AppendPlain(uint state, ulong* words, nint count)
    {
        for (nint i = 0; i < count; i++)
            state = BitOperations.Crc32C(state, words[i]);
        return state;
    }

    private static uint AppendInterleaved(uint state, ulong* words, nint count)
    {
        while (count >= MinInterleaved)
        {
            var lane = Math.Min(count / 3, MaxLane);
            var (first, second, third) = (state, 0u, 0u);
            for (nint i = 0; i < lane; i++)
            {
                first = BitOperations.Crc32C(first, words[i]);
                second = BitOperations.Crc32C(second, words[lane + i]);
                third = BitOperations.Crc32C(third, words[(2 * lane) + i]);
            }

            state = Carry(first, 2 * lane) ^ Carry(second, lane) ^ third;
            words += 3 * lane;
            count -= 3 * lane;
        }

        return AppendPlain(state, words, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Carry(uint state, nint words)
    {
        var product = Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar((ulong)state), Vector128.CreateScalar(Shift[words]), 0);
        return BitOperations.Crc32C(0u, product.ToScalar());
    }

    private static ulong[] Shifts()
    {
        var shifts = new ulong[(2 * MaxLane) + 1];
        // x^31 has the lowest bit once reflected; every word of zeros multiplies by x^64.
        shifts[1] = 1;
        for (var i = 2; i < shifts.Length; i++)
            shifts[i] = BitOperations.Crc32C((uint)shifts[i - 1], 0UL);
        return shifts;
    }
}
