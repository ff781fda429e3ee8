using Comet.Server.Broker;
using CsCheck;

namespace Comet.Server.Tests.Broker;

public sealed class OffsetRangeSetTests
{
    private const int Space = 80;

    private static readonly Gen<OffsetRange> s_range =
        Gen.Select(Gen.Int[0, Space - 1], Gen.Int[0, 9], (first, extra) => new OffsetRange(first, Math.Min(first + extra, Space - 1)));

    private static readonly Gen<(bool Take, OffsetRange Range)> s_step =
        Gen.Select(Gen.Int[0, 9], s_range, (kind, range) => (kind == 0, range));

    [Fact]
    public void It_is_the_set_of_the_offsets_that_were_added_less_those_taken()
    {
        s_step.List[0, 40].Sample(steps =>
        {
            var set = new OffsetRangeSet();
            var model = new SortedSet<long>();
            foreach (var (take, range) in steps)
            {
                if (take)
                    TakeFirst(set, model, range.First);
                else
                    Assert.Equal(Offsets(range).Count(model.Add), set.Add(range));
                AssertSame(set, model);
            }
        }, iter: 2000);
    }

    [Fact]
    public void A_range_that_joins_two_others_leaves_one()
    {
        var set = new OffsetRangeSet();
        set.Add(new(0, 3));
        set.Add(new(8, 9));
        Assert.Equal(4, set.Add(new(4, 7)));
        Assert.Equal(1, set.RangeCount);
        Assert.Equal(new OffsetRange(0, 9), set[0]);
    }

    [Fact]
    public void A_cleared_set_is_empty()
    {
        var set = new OffsetRangeSet();
        set.Add(new(5, 6));
        set.Clear();
        Assert.Equal(0, set.Count);
        Assert.Equal(new OffsetRange(5, long.MaxValue), set.NextGap(5));
    }

    internal static IEnumerable<long> Offsets(OffsetRange range)
    {
        for (var offset = range.First; offset <= range.Last; offset++)
            yield return offset;
    }

    private static void TakeFirst(OffsetRangeSet set, SortedSet<long> model, long offset)
    {
        var expected = model.Count > 0 && model.Min <= offset;
        Assert.Equal(expected, set.TryTakeFirstAt(offset, out var taken));
        if (!expected)
            return;
        Assert.Equal(model.Min, taken.First);
        Assert.DoesNotContain(taken.Last + 1, model);
        foreach (var one in Offsets(taken))
            Assert.True(model.Remove(one));
    }

    private static void AssertSame(OffsetRangeSet set, SortedSet<long> model)
    {
        Assert.Equal(model.Count, set.Count);
        var ranges = Enumerable.Range(0, set.RangeCount).Select(i => set[i]).ToList();
        Assert.Equal(model, ranges.SelectMany(Offsets));
        // Ranges that touch would be one.
        for (var i = 1; i < ranges.Count; i++)
            Assert.True(ranges[i].First > ranges[i - 1].Last + 1);
        for (var offset = 0L; offset <= Space; offset++)
        {
            var first = offset;
            while (model.Contains(first))
                first++;
            var next = model.Where(o => o > first).DefaultIfEmpty(long.MaxValue).Min();
            Assert.Equal(new OffsetRange(first, next == long.MaxValue ? next : next - 1), set.NextGap(offset));
        }
    }
}
