using Comet.Server.Broker;
using CsCheck;

namespace Comet.Server.Tests.Broker;

public sealed class CursorTests
{
    private const int PageSize = 4096;

    // Small steps within a page, and steps of about a page's length that complete pages in any order.
    private static readonly Gen<(int Kind, OffsetRange Range)> s_near = Step(Gen.Int[0, 150], Gen.Int[0, 20]);
    private static readonly Gen<(int Kind, OffsetRange Range)> s_far =
        Step(Gen.Int[0, 3 * PageSize], Gen.OneOf(Gen.Int[0, 3], Gen.Int[PageSize - 2, PageSize + 2], Gen.Const(PageSize - 1)));

    [Fact]
    [Cases(40_000)]
    public void It_knows_what_is_acked_and_moves_over_it() => Check(s_near, 100);

    [Fact]
    [Cases(600)]
    public void Pages_that_are_acked_whole_in_any_order_are_as_good_as_others() => Check(s_far, 40);

    [Fact]
    public void Acks_in_order_and_a_gap_that_closes_late_take_no_memory_for_each_message()
    {
        var cursor = new Cursor(0);
        cursor.Ack(new(1, 3 * PageSize));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var first = (3L * PageSize) + 1; first < 30_000_000; first += PageSize)
            cursor.Ack(new(first, first + PageSize - 1));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 500_000);
        Assert.Equal(0, cursor.AckedUpTo);
        cursor.Ack(new(0, 0));
        Assert.Equal(0, cursor.AckedAbove);
        Assert.True(cursor.AckedUpTo >= 30_000_000);
    }

    private static Gen<(int, OffsetRange)> Step(Gen<int> first, Gen<int> extra) => Gen.Select(
        Gen.Int[0, 30], first, extra, (kind, at, more) => (kind, new OffsetRange(at, at + more)));

    private static void Check(Gen<(int Kind, OffsetRange Range)> step, int start) =>
        Gen.Select(Gen.Int[0, start], step.List[0, 30]).Sample((first, steps) =>
        {
            var cursor = new Cursor(first);
            var acked = new SortedSet<long>();
            var upTo = (long)first;
            foreach (var (kind, range) in steps)
            {
                if (kind == 0)
                {
                    cursor.SkipTo(range.First);
                    Add(acked, upTo, new(0, range.First - 1));
                }
                else if (kind == 1)
                {
                    cursor.Reset(range.First);
                    acked.Clear();
                    upTo = range.First;
                }
                else
                {
                    Assert.Equal(Add(acked, upTo, range), cursor.Ack(range));
                }
                while (acked.Remove(upTo))
                    upTo++;
                if (kind == 2)
                    cursor = new Cursor(cursor.Save());
                AssertSame(cursor, acked, upTo);
            }
        }, iter: Cases.OfThisTest);

    private static int Add(SortedSet<long> acked, long upTo, OffsetRange range)
    {
        var added = 0;
        for (var offset = Math.Max(upTo, range.First); offset <= range.Last; offset++)
            added += acked.Add(offset) ? 1 : 0;
        return added;
    }

    private static void AssertSame(Cursor cursor, SortedSet<long> acked, long upTo)
    {
        Assert.Equal((upTo, acked.Count), (cursor.AckedUpTo, cursor.AckedAbove));
        var ranges = cursor.Save().Acked;
        Assert.Equal(acked.Count, ranges.Sum(static r => r.Count));
        Assert.All(ranges, r => Assert.True(acked.Contains(r.First) && acked.Contains(r.Last) && !acked.Contains(r.Last + 1)));
        foreach (var offset in ranges.SelectMany(static r => new[] { r.First - 1, r.First, r.Last, r.Last + 1 }).Append(upTo).Append(0))
        {
            Assert.Equal(offset < upTo || acked.Contains(offset), cursor.IsAcked(offset));
            var gap = cursor.NextUnacked(offset, 4 * PageSize);
            var first = Math.Max(offset, upTo);
            while (acked.Contains(first))
                first++;
            Assert.Equal(first, gap.First);
            var next = acked.GetViewBetween(first, Math.Max(first, 4 * PageSize)) is { Count: > 0 } above ? above.Min - 1 : long.MaxValue;
            Assert.Equal(Math.Min(next, Math.Max(first, 4 * PageSize)), gap.Last);
        }
    }
}
