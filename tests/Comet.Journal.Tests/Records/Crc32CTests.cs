using System.Numerics;
using System.Text;
using Comet.Checksums;
using CsCheck;

namespace Comet.Journals.Tests.Records;

public sealed class Crc32CTests
{
    [Fact]
    public void It_is_the_Castagnoli_one() =>
        Assert.Equal(0xE3069283u, ~Crc32C.Append(uint.MaxValue, Encoding.ASCII.GetBytes("123456789")));

    /// <summary>Short, in lanes and folded: all give what one byte after the other gives.</summary>
    [Fact]
    public void Every_way_gives_what_byte_after_byte_gives() =>
        Gen.Select(Gen.Int[0, 20_000], Gen.Int[0, 63], Gen.UInt, Gen.ULong).Sample((length, offset, seed, salt) =>
        {
            var bytes = new byte[offset + length];
            new Random((int)salt).NextBytes(bytes);
            var part = bytes.AsSpan(offset);
            var expected = seed;
            foreach (var each in part)
                expected = BitOperations.Crc32C(expected, each);
            return Crc32C.Append(seed, part) == expected;
        });

    [Fact]
    public unsafe void What_is_copied_is_taken_along() =>
        Gen.Select(Gen.Int[0, 3_000], Gen.Int[0, 63], Gen.Int[0, 7], Gen.UInt, Gen.Int).Sample((count, from, to, seed, salt) =>
        {
            var bytes = new byte[from + (count * sizeof(ulong))];
            new Random(salt).NextBytes(bytes);
            var copy = new byte[(to * sizeof(ulong)) + (count * sizeof(ulong)) + sizeof(ulong)];
            uint state;
            fixed (byte* start = bytes, target = copy)
                state = Crc32C.AppendCopied(seed, (ulong*)(start + from), (ulong*)target + to, count);
            return state == Crc32C.Append(seed, bytes.AsSpan(from))
                && bytes.AsSpan(from).SequenceEqual(copy.AsSpan(to * sizeof(ulong), count * sizeof(ulong)))
                && copy.AsSpan(0, to * sizeof(ulong)).IndexOfAnyExcept((byte)0) < 0
                && copy.AsSpan((to + count) * sizeof(ulong)).IndexOfAnyExcept((byte)0) < 0;
        });
}
