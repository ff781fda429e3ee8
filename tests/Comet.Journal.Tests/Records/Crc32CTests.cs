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
}
