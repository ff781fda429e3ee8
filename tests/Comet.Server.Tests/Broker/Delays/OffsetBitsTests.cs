using Comet.Server.Broker;
using CsCheck;

namespace Comet.Server.Tests.Broker;

public sealed class OffsetBitsTests
{
    // Offsets over several chunks, with most of them at the ends of words and chunks.
    private static readonly Gen<long> s_offset = Gen.OneOf(Gen.Long[0, 200], Gen.Long[4000, 4300], Gen.Long[0, 600_000]);

    [Fact]
    [Cases(3_000)]
    public void It_is_a_set_of_offsets() =>
        Gen.Select(Gen.Int[0, 3], s_offset).List[1, 200].Sample(steps =>
        {
            var (bits, model) = (new OffsetBits(), new SortedSet<long>());
            foreach (var (kind, offset) in steps)
            {
                if (kind == 3)
                {
                    bits.RemoveBelow(offset);
                    model.RemoveWhere(o => o < offset);
                }
                else if (kind == 2)
                {
                    Assert.Equal(model.Remove(offset), bits.Remove(offset));
                }
                else
                {
                    Assert.Equal(model.Add(offset), bits.Add(offset));
                }
                Check(bits, model, offset);
            }
        }, iter: Cases.OfThisTest);

    [Fact]
    public void A_full_chunk_is_passed_in_one_step()
    {
        var bits = new OffsetBits();
        for (var i = 0; i < 10_000; i++)
            bits.Add(i);
        Assert.Equal(10_000, bits.NextClear(3));
        Assert.Equal(10_000, bits.Count);
    }

    private static void Check(OffsetBits bits, SortedSet<long> model, long offset)
    {
        Assert.Equal(model.Count, bits.Count);
        Assert.Equal(model.Contains(offset), bits.Contains(offset));
        Assert.Equal(model.Count == 0 ? long.MaxValue : model.Min, bits.First);
        foreach (var at in (long[])[offset, offset + 1, offset / 2, 0])
        {
            Assert.Equal(model.Where(o => o >= at).DefaultIfEmpty(long.MaxValue).Min(), bits.NextSet(at));
            var clear = at;
            while (model.Contains(clear))
                clear++;
            Assert.Equal(clear, bits.NextClear(at));
        }
    }
}
