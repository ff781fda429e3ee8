using Comet.Wire;
using CsCheck;

namespace Comet.Protocol.Tests.Wire;

public sealed class VarintTests
{
    [Fact]
    public void A_number_round_trips_in_the_length_that_is_measured() => Gen.ULong.Select(Gen.Int[0, 63]).Sample(t =>
    {
        var value = t.Item1 >> t.Item2;
        Span<byte> bytes = stackalloc byte[Varint.MaxLength];
        var length = Varint.Write(bytes, value);
        Assert.Equal(Varint.Length(value), length);
        Assert.Equal(length, Varint.Read(bytes[..length], out var read));
        Assert.Equal(value, read);
        Assert.Equal(0, Varint.Read(bytes[..(length - 1)], out _));
    });

    [Fact]
    public void Zigzag_round_trips() => Gen.Long.Sample(v => Assert.Equal(v, Varint.UnZigZag(Varint.ZigZag(v))));

    [Fact]
    public void A_number_of_more_than_64_bits_is_refused()
    {
        byte[] bytes = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02];
        Assert.Equal(-1, Varint.Read(bytes, out _));
    }
}
