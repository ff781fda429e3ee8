using System.Text;
using Comet.Journals.Records;
using CsCheck;

namespace Comet.Journals.Tests.Records;

public sealed unsafe class Crc32CTests
{
    [Fact]
    public void It_is_the_Castagnoli_one() =>
        Assert.Equal(0xE3069283u, ~Crc32C.Append(uint.MaxValue, Encoding.ASCII.GetBytes("123456789")));

    [Fact]
    public void Interleaved_lanes_give_what_byte_after_byte_gives() =>
        Gen.Select(Gen.Byte.Array[0, 20_000], Gen.UInt).Sample((bytes, seed) =>
        {
            var whole = bytes.AsSpan(0, bytes.Length / 8 * 8);
            fixed (byte* start = bytes)
                return Crc32C.Append(seed, (ulong*)start, whole.Length / 8) == Crc32C.Append(seed, whole);
        });
}
