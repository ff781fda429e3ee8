using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Comet.Checksums;

/// <summary>CRC-32C (Castagnoli, RFC 3720 appendix B.4), as a running state: of "123456789", begun with all ones and inverted at the
/// end, it is E3069283.</summary>
/// <remarks>Short inputs go word by word through the processor's instruction, longer ones in three lanes, and long ones are folded, 256
/// bytes at a time, by carry-less products: V. Gopal et al., Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction,
/// Intel 2009. One source for Comet.Journal and Comet.Protocol, which know nothing of each other.</remarks>
internal static unsafe class Crc32C
{
    private const int MinFolded = 2 * FoldedWords;
    private const int FoldedWords = 32;
    private const int MaxLane = 128;
    private const int MinInterleaved = 24;

    // Shift[n] carries a state over n words of zeros: x^(64n - 33) modulo the polynomial, bits reflected, for a carry-less product.
    private static readonly ulong[] Shift = Shifts();

    public static uint Append(uint state, uint value) => BitOperations.Crc32C(state, value);

    public static uint Append(uint state, ulong value) => BitOperations.Crc32C(state, value);

    public static uint Append(uint state, ulong* words, nint count) => count < MinInterleaved || !Pclmulqdq.IsSupported
        ? AppendPlain(state, words, count)
        : AppendLong(state, words, count);

    public static uint Append(uint state, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
            state = Append(state, (ulong*)start, bytes.Length / sizeof(ulong));
        foreach (var each in bytes[(bytes.Length & -sizeof(ulong))..])
            state = BitOperations.Crc32C(state, each);
        return state;
    }

    /// <summary>Copies words, and takes along what is copied: long inputs are gone through once instead of twice.</summary>
    public static uint AppendCopied(uint state, ulong* words, ulong* to, nint count)
    {
        nint copied = 0;
        if (count >= MinFolded && Pclmulqdq.V512.IsSupported)
        {
            copied = count & -FoldedWords;
            state = AppendFolded<Copying>(state, words, to, copied);
        }

        var length = (count - copied) * sizeof(ulong);
        Buffer.MemoryCopy(words + copied, to + copied, length, length);
        return Append(state, to + copied, count - copied);
    }

    /// <summary>The checksum of some bytes.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes) => ~Append(uint.MaxValue, bytes);

    private static uint AppendLong(uint state, ulong* words, nint count)
    {
        if (count >= MinFolded && Pclmulqdq.V512.IsSupported)
        {
            var folded = count & -FoldedWords;
            state = AppendFolded<Reading>(state, words, words, folded);
            words += folded;
            count -= folded;
        }

        return AppendInterleaved(state, words, count);
    }

    /// <summary>Four times 64 bytes are carried over the 256 bytes behind them and added to these, as often as there are some; what is left
    /// in the end has the state that all of it has.</summary>
    private static uint AppendFolded<TLoad>(uint state, ulong* words, ulong* to, nint count)
        where TLoad : struct, ILoad
    {
        var (first, second) = (TLoad.Load(words, to) ^ Vector512.CreateScalar((ulong)state), TLoad.Load(words + 8, to + 8));
        var (third, fourth) = (TLoad.Load(words + 16, to + 16), TLoad.Load(words + 24, to + 24));
        var carry = Distance512(FoldedWords);
        for (var end = words + count; (words += FoldedWords) < end;)
        {
            to += FoldedWords;
            first = Fold(first, carry) ^ TLoad.Load(words, to);
            second = Fold(second, carry) ^ TLoad.Load(words + 8, to + 8);
            third = Fold(third, carry) ^ TLoad.Load(words + 16, to + 16);
            fourth = Fold(fourth, carry) ^ TLoad.Load(words + 24, to + 24);
        }

        var all = Fold(first, Distance512(24)) ^ Fold(second, Distance512(16)) ^ Fold(third, Distance512(8)) ^ fourth;
        var last = Fold(all.GetLower().GetLower(), Distance(6)) ^ Fold(all.GetLower().GetUpper(), Distance(4))
            ^ Fold(all.GetUpper().GetLower(), Distance(2)) ^ all.GetUpper().GetUpper();
        return BitOperations.Crc32C(BitOperations.Crc32C(0u, last[0]), last[1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Fold(Vector512<ulong> words, Vector512<ulong> carry) =>
        Pclmulqdq.V512.CarrylessMultiply(words, carry, 0x00) ^ Pclmulqdq.V512.CarrylessMultiply(words, carry, 0x11);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Fold(Vector128<ulong> words, Vector128<ulong> carry) =>
        Pclmulqdq.CarrylessMultiply(words, carry, 0x00) ^ Pclmulqdq.CarrylessMultiply(words, carry, 0x11);

    // The first of two words stands one word further from the end.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Distance(int words) => Vector128.Create(Shift[words + 1], Shift[words]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Distance512(int words)
    {
        var each = Vector256.Create(Distance(words), Distance(words));
        return Vector512.Create(each, each);
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

    /// <summary>How words are had, as a type, so that both ways are one loop each.</summary>
    private interface ILoad
    {
        static abstract Vector512<ulong> Load(ulong* from, ulong* to);
    }

    private readonly struct Reading : ILoad
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<ulong> Load(ulong* from, ulong* to) => Vector512.Load(from);
    }

    private readonly struct Copying : ILoad
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<ulong> Load(ulong* from, ulong* to)
        {
            var words = Vector512.Load(from);
            words.Store(to);
            return words;
        }
    }
}
