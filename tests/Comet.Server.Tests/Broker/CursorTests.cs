using Comet.Server.Broker;
using CsCheck;

namespace Comet.Server.Tests.Broker;

public sealed class CursorTests
{
    private const int Space = 60;

    private static readonly Gen<(int Kind, OffsetRange Range)> s_step = Gen.Select(
        Gen.Int[0, 7], Gen.Int[0, Space - 1], Gen.Int[0, 9],
        (kind, first, extra) => (kind, new OffsetRange(first, Math.Min(first + extra, Space - 1))));

    [Fact]
    public void It_knows_what_is_acked_and_moves_over_it()
    {
        Gen.Select(Gen.Int[0, 20], s_step.List[0, 40]).Sample((start, steps) =>
        {
            var cursor = new Cursor(start);
            var acked = new HashSet<long>(Enumerable.Range(0, start).Select(o => (long)o));
            foreach (var (kind, range) in steps)
            {
                if (kind == 0)
                {
                    cursor.SkipTo(range.First);
                    acked.UnionWith(OffsetRangeSetTests.Offsets(new(0, range.First - 1)));
                }
                else
                {
                    Assert.Equal(OffsetRangeSetTests.Offsets(range).Count(acked.Add), cursor.Ack(range));
                }
                AssertSame(cursor, acked);
            }
        }, iter: 800);
    }

    private static void AssertSame(Cursor cursor, HashSet<long> acked)
    {
        var upTo = 0L;
        while (acked.Contains(upTo))
            upTo++;
        Assert.Equal(upTo, cursor.AckedUpTo);
        Assert.Equal(acked.Count - upTo, cursor.AckedAbove);
        Assert.True(cursor.RangeCount <= cursor.AckedAbove);
        for (var offset = 0L; offset <= Space; offset++)
        {
            Assert.Equal(acked.Contains(offset), cursor.IsAcked(offset));
            var gap = cursor.NextUnacked(offset);
            Assert.DoesNotContain(gap.First, acked);
            Assert.Equal(gap.Last < Space, acked.Contains(gap.Last + 1));
            Assert.All(OffsetRangeSetTests.Offsets(new(offset, gap.First - 1)), o => Assert.Contains(o, acked));
            Assert.All(OffsetRangeSetTests.Offsets(new(gap.First, Math.Min(gap.Last, Space))), o => Assert.DoesNotContain(o, acked));
        }
    }
}
