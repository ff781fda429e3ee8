using Comet.Server.Broker;
using CsCheck;

namespace Comet.Server.Tests.Broker;

public sealed class DeliveryRunsTests
{
    private const int Space = 60;

    private static readonly Consumer[] s_consumers =
        [.. Enumerable.Range(0, 3).Select(i => new Consumer(new FakePeer(), i, $"c{i}", null))];

    private static readonly Gen<(int Kind, OffsetRange Range, int Consumer, int Count)> s_step = Gen.Select(
        Gen.Int[0, 9], Gen.Int[0, Space - 1], Gen.Int[0, 11], Gen.Int[0, 3], Gen.Int[1, 2],
        (kind, first, extra, consumer, count) => (kind, new OffsetRange(first, Math.Min(first + extra, Space - 1)), consumer, count));

    [Fact]
    public void They_are_the_map_from_offset_to_consumer_and_count_that_was_written()
    {
        s_step.List[0, 60].Sample(steps =>
        {
            var runs = new DeliveryRuns();
            var model = new SortedDictionary<long, (Consumer? Consumer, int Count)>();
            foreach (var (kind, range, consumer, count) in steps)
            {
                if (kind <= 4)
                    Add(runs, model, range, consumer == 3 ? null : s_consumers[consumer], count);
                else if (kind <= 7)
                    Remove(runs, model, range);
                else if (model.Count > 0)
                    TakeFirst(runs, model, putBackHalf: kind == 8);
                AssertSame(runs, model);
                AssertCopies(runs, model, consumer == 3 ? null : s_consumers[consumer], range);
            }
        }, iter: 800);
    }

    [Fact]
    public void Acks_in_order_keep_one_run()
    {
        var runs = new DeliveryRuns();
        for (var i = 0; i < 1000; i++)
            runs.Add(new(new(i * 10, (i * 10) + 9), s_consumers[0], 1));
        Assert.Equal(1, runs.RunCount);
        for (var i = 0; i < 9_999; i++)
            Assert.Equal(1, runs.Remove(new(i, i)));
        Assert.Equal((1, 1L), (runs.RunCount, runs.Count));
    }

    private static void Add(
        DeliveryRuns runs, SortedDictionary<long, (Consumer?, int)> model, OffsetRange range, Consumer? consumer, int count)
    {
        // What is in already must not be added again: that is the caller's part of the bargain.
        if (OffsetRangeSetTests.Offsets(range).Any(model.ContainsKey))
            return;
        runs.Add(new(range, consumer, count));
        foreach (var offset in OffsetRangeSetTests.Offsets(range))
            model[offset] = (consumer, count);
    }

    private static void Remove(DeliveryRuns runs, SortedDictionary<long, (Consumer? Consumer, int Count)> model, OffsetRange range)
    {
        var expected = new Dictionary<Consumer, long>();
        var total = 0L;
        foreach (var offset in OffsetRangeSetTests.Offsets(range).Where(model.ContainsKey).ToList())
        {
            total++;
            if (model[offset].Consumer is { } consumer)
                expected[consumer] = expected.GetValueOrDefault(consumer) + 1;
            model.Remove(offset);
        }
        var removed = new Dictionary<Consumer, long>();
        Assert.Equal(total, runs.Remove(range, (consumer, count) => removed[consumer] = removed.GetValueOrDefault(consumer) + count));
        Assert.Equivalent(expected, removed, strict: true);
    }

    private static void TakeFirst(DeliveryRuns runs, SortedDictionary<long, (Consumer?, int)> model, bool putBackHalf)
    {
        var run = runs.TakeFirst();
        Assert.Equal(model.Keys.First(), run.Range.First);
        foreach (var offset in OffsetRangeSetTests.Offsets(run.Range))
        {
            Assert.Equal((run.Consumer, run.DeliveryCount), model[offset]);
            model.Remove(offset);
        }
        if (!putBackHalf || run.Range.Count < 2)
            return;
        var rest = run with { Range = new(run.Range.First + (run.Range.Count / 2), run.Range.Last) };
        runs.PutBack(rest);
        foreach (var offset in OffsetRangeSetTests.Offsets(rest.Range))
            model[offset] = (rest.Consumer, rest.DeliveryCount);
    }

    private static void AssertSame(DeliveryRuns runs, SortedDictionary<long, (Consumer?, int)> model)
    {
        Assert.Equal(model.Count, runs.Count);
        var all = Enumerable.Range(0, runs.RunCount).Select(i => runs[i]).ToList();
        Assert.Equal(model.Select(m => (m.Key, m.Value)), Expand(all));
    }

    private static void AssertCopies(
        DeliveryRuns runs, SortedDictionary<long, (Consumer?, int)> model, Consumer? consumer, OffsetRange range)
    {
        var copied = new List<DeliveryRun>();
        runs.CopyTo(copied, consumer, range);
        Assert.Equal(
            model.Where(m => m.Key >= range.First && m.Key <= range.Last && (consumer is null || m.Value.Item1 == consumer))
                .Select(m => (m.Key, m.Value)),
            Expand(copied));
    }

    private static IEnumerable<(long, (Consumer?, int))> Expand(IEnumerable<DeliveryRun> runs) =>
        runs.SelectMany(r => OffsetRangeSetTests.Offsets(r.Range).Select(o => (o, (r.Consumer, r.DeliveryCount))));
}
