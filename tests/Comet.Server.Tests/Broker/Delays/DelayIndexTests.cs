using Comet.Server.Broker;
using CsCheck;

namespace Comet.Server.Tests.Broker;

public sealed class DelayIndexTests
{
    private const long Minute = 60_000_000;

    private static readonly Gen<long> s_delay = Gen.OneOf(Gen.Long[-5, 5], Gen.Long[0, 3_000_000], Gen.Long[0, 100 * Minute],
        Gen.Const(Minute));

    /// <summary>Whatever is added, cancelled and moved while time passes, also backwards: what comes out, in which order, and what every
    /// question is answered is what a plain list says.</summary>
    [Fact]
    [Cases(10_000)]
    public void It_does_what_a_plain_list_does() =>
        Gen.Select(Gen.Int[0, 9], s_delay, Gen.Int[0, 40]).List[1, 150].Sample(steps =>
        {
            var model = new DelayModel();
            foreach (var (kind, delay, pick) in steps)
                model.Step(kind, delay, pick);
            model.Finish();
        }, iter: Cases.OfThisTest);

    /// <summary>The same with most of it elsewhere, which is written and merged at any time, or not.</summary>
    [Fact]
    [Cases(5_000)]
    public void It_does_so_too_when_most_of_it_is_in_files()
    {
        var written = 0;
        Gen.Select(Gen.Int[0, 9], s_delay, Gen.Int[0, 40]).List[1, 400].Sample(steps =>
        {
            var files = new MemoryDelayFiles();
            var model = new DelayModel(files);
            foreach (var (kind, delay, pick) in steps)
                model.Step(kind, delay, pick);
            model.Finish();
            Interlocked.Add(ref written, files.Written);
        }, iter: Cases.OfThisTest);
        Assert.True(written > 3 * Cases.OfThisTest, $"Only {written} runs were written.");
    }

    [Fact]
    public void Messages_that_are_due_together_come_in_the_order_of_their_offsets()
    {
        var index = Make();
        foreach (var offset in (long[])[5, 3, 9, 1])
            index.Add(offset, 1_000, null);
        Assert.Equal([1, 3, 5, 9], Release(index, 1_000));
    }

    [Fact]
    public void Nothing_comes_a_microsecond_early()
    {
        var index = Make();
        index.Add(0, 5 * Minute, null);
        Assert.Empty(Release(index, (5 * Minute) - 1));
        Assert.Equal([0], Release(index, 5 * Minute));
    }

    [Fact]
    public void NextDue_leads_to_each_message_in_few_steps()
    {
        var index = Make();
        for (var i = 0; i < 100; i++)
            index.Add(i, 1_000_000_007L * (i + 1), null);
        var (steps, released) = (0, 0);
        for (; index.NextDue != long.MaxValue; steps++)
            released += Release(index, index.NextDue).Count;
        Assert.Equal(100, released);
        Assert.InRange(steps, 100, 200);
    }

    [Fact]
    public void What_is_cancelled_and_moved_over_and_over_takes_no_memory()
    {
        var index = Make();
        for (var i = 0; i < 200_000; i++)
        {
            index.Budget.Take(1);
            index.Add(i, i + (1000L * Minute), i % 7);
            index.Reschedule(i, i + (1000L * Minute), i + (2000L * Minute));
            index.Cancel(i);
        }
        Assert.Equal((0, 0, 0), (index.Count, index.Budget.Used, index.Moved.Count));
        Assert.InRange(index.EntryCount, 0, 4_096);
    }

    [Fact]
    public void One_message_that_is_moved_over_and_over_takes_no_memory()
    {
        var index = Make();
        index.Budget.Take(1);
        index.Add(0, 100 * Minute, null);
        for (var i = 1; i < 50_000; i++)
            Assert.True(index.Reschedule(0, 100 * Minute, (100 * Minute) + i));
        Assert.InRange(index.EntryCount, 1, 4_096);
        Assert.Equal([0], Release(index, 200 * Minute));
    }

    [Fact]
    public void The_budget_is_shared_and_given_back()
    {
        var budget = new ScheduleBudget(2);
        var (one, other) = (new DelayIndex(budget), new DelayIndex(budget));
        Assert.True(budget.TryTake(1) && budget.TryTake(1));
        one.Add(0, 10, null);
        other.Add(0, 10, null);
        Assert.False(budget.TryTake(1));
        one.Cancel(0);
        Assert.True(budget.TryTake(1));
        other.Close();
        Assert.Equal(1, budget.Used);
    }

    internal static List<long> Release(DelayIndex index, long now)
    {
        var released = new List<long>();
        while (index.TryRelease(now, out var offset))
            released.Add(offset);
        return released;
    }

    private static DelayIndex Make() => new(new ScheduleBudget(long.MaxValue));
}
