using Comet.Server.Storage;
using Comet.Server.Storage.Memory;
using Comet.Server.Tests.Broker;
using Comet.Wire;
using CsCheck;

namespace Comet.Server.Tests.Storage;

public sealed class MemoryPartitionLogTests
{
    private static readonly FencingToken s_fence = new(7);

    /// <summary>Appends, commits, truncations and reads in any order, against a plain list of batches.</summary>
    [Fact]
    [Cases(500)]
    public void It_holds_what_was_appended_less_what_was_truncated() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[1, 8], Gen.Int[0, 3000], Gen.Int[0, 60]).List[1, 80].Sample(steps =>
        {
            var budget = new MemoryBudget(long.MaxValue);
            using var log = new MemoryPartitionLog(budget, long.MaxValue);
            var model = new List<(long First, long Last, long Time, byte[] Bytes)>();
            var (start, end, time) = (0L, 0L, 1000L);
            foreach (var (kind, count, padding, at) in steps)
            {
                if (kind <= 6)
                {
                    time += kind;
                    var batch = Batches.Make("p", end, count, padding);
                    Assert.True(log.TryAppend(s_fence, batch, RecordBatch.Open(batch), time));
                    model.Add((end, end + count - 1, time, batch));
                    end += count;
                }
                else if (kind <= 8)
                {
                    log.TruncateBefore(s_fence, at);
                    start = model.Where(b => b.Last < at).Select(b => b.Last + 1).DefaultIfEmpty(start).Max();
                    model.RemoveAll(b => b.Last < at);
                }
                else
                {
                    Assert.True(log.CommitAsync(s_fence, CancellationToken.None).AsTask().IsCompletedSuccessfully);
                    Assert.Equal(end, log.StableOffset);
                }
                Assert.Equal((start, end, model.Sum(b => b.Bytes.Length)), (log.StartOffset, log.EndOffset, log.Bytes));
                AssertReads(log, model, end);
            }
            log.TruncateBefore(s_fence, end);
            AssertNothingIsTaken(budget);
        }, iter: Cases.OfThisTest);

    [Fact]
    public void What_is_stored_carries_the_brokers_stamp_and_is_whole()
    {
        using var log = new MemoryPartitionLog(new MemoryBudget(1 << 20), long.MaxValue);
        var batch = Batches.Make("p", 40, 5);
        Append(log, batch, time: 123);
        Append(log, batch, time: 124);
        Assert.True(log.TryRead(6, out var stored));
        var header = RecordBatch.Open(stored.Bytes.Span);
        Assert.Equal(
            (5, 9, 7, 124, 40), (header.BaseOffset, header.LastOffset, header.OwnershipEpoch, header.AppendTime, header.BaseSequence));
        Assert.Equal(header, stored.Header with { Checksum = header.Checksum });
        Assert.Equal((5L, "m40"), Batches.Read(stored.Bytes.ToArray())[0]);
    }

    [Fact]
    public void The_time_that_is_looked_for_is_found_also_when_the_clock_was_set_back()
    {
        using var log = new MemoryPartitionLog(new MemoryBudget(1 << 20), long.MaxValue);
        foreach (var time in new long[] { 100, 500, 200, 300, 600 })
            Append(log, Batches.Make("p", 0, 1), time);
        // The first that was appended at 250 or later is the second; what lies behind it follows.
        Assert.Equal(1, log.FindByAppendTime(250));
        Assert.Equal(0, log.FindByAppendTime(0));
        Assert.Equal(4, log.FindByAppendTime(501));
        Assert.Equal(5, log.FindByAppendTime(601));
    }

    [Fact]
    public void Beyond_the_byte_limit_an_append_is_refused_and_changes_nothing()
    {
        const int Limit = 256 * 1024;
        var budget = new MemoryBudget(Limit);
        using var log = new MemoryPartitionLog(budget, long.MaxValue);
        FillUp(log);
        var (end, bytes) = (log.EndOffset, log.Bytes);
        Assert.InRange(budget.Used, bytes, Limit);
        var batch = Batches.Make("p", 0, 1, 1000);
        Assert.False(log.TryAppend(s_fence, batch, RecordBatch.Open(batch), 1));
        Assert.Equal((end, bytes), (log.EndOffset, log.Bytes));
    }

    [Theory]
    [InlineData(64 * 1024)]
    [InlineData(100_000)]
    [InlineData(1024 * 1024)]
    [InlineData(3_000_000)]
    public void The_limit_can_be_used_to_nearly_all_of_it(int limit)
    {
        using var shared = new MemoryPartitionLog(new MemoryBudget(limit), long.MaxValue);
        FillUp(shared);
        Assert.InRange(shared.Bytes, limit * 8L / 10, limit);
        using var own = new MemoryPartitionLog(new MemoryBudget(long.MaxValue), limit);
        FillUp(own);
        Assert.InRange(own.Bytes, limit * 8L / 10, limit);
    }

    [Theory]
    [InlineData(1, 16 * 1024)]
    [InlineData(512 * 1024, 32 * 1024)]
    [InlineData(1_000_000, 32 * 1024)]
    [InlineData(16 * 1024 * 1024, 1024 * 1024)]
    [InlineData(long.MaxValue, 1024 * 1024)]
    public void Slabs_fit_the_limit_at_least_sixteen_times_unless_they_are_the_smallest(long limit, int expected) =>
        Assert.Equal(expected, MemoryBudget.SlabSizeFor(limit));

    [Fact]
    public void What_one_partition_truncates_another_can_use()
    {
        const int Limit = 4 * 1024 * 1024;
        var budget = new MemoryBudget(Limit);
        using var first = new MemoryPartitionLog(budget, long.MaxValue);
        using var second = new MemoryPartitionLog(budget, long.MaxValue);
        FillUp(first);
        FillUp(second);
        Assert.InRange(second.Bytes, 0, Limit / 8);
        first.TruncateBefore(s_fence, first.EndOffset);
        Assert.Equal(0, first.Bytes);
        FillUp(second);
        Assert.InRange(second.Bytes, Limit * 8L / 10, Limit);
        Assert.InRange(budget.Used, second.Bytes, Limit);
    }

    [Fact]
    public void A_batch_larger_than_a_slab_is_stored_and_its_memory_comes_back()
    {
        var budget = new MemoryBudget(16 * MemoryBudget.MaxSlabSize);
        using var log = new MemoryPartitionLog(budget, long.MaxValue);
        var batch = Batches.Make("p", 0, 1, 3 * MemoryBudget.MaxSlabSize);
        Append(log, batch, 1);
        Append(log, Batches.Make("p", 1, 1), 1);
        Assert.True(log.TryRead(0, out var stored));
        Assert.Equal(batch.Length, stored.Bytes.Length);
        log.TruncateBefore(s_fence, 2);
        AssertNothingIsTaken(budget);
    }

    private static void AssertReads(MemoryPartitionLog log, List<(long First, long Last, long Time, byte[] Bytes)> model, long end)
    {
        for (var offset = 0L; offset <= end; offset += 3)
        {
            var index = model.FindIndex(b => b.Last >= offset);
            Assert.Equal(index >= 0, log.TryRead(offset, out var stored));
            if (index < 0)
                continue;
            Assert.Equal((model[index].First, model[index].Last), (stored.BaseOffset, stored.LastOffset));
            // All but the broker's stamp is as it was sent.
            Assert.True(stored.Bytes.Span[RecordBatchHeader.ChecksumPosition..].SequenceEqual(
                model[index].Bytes.AsSpan(RecordBatchHeader.ChecksumPosition)));
        }
        foreach (var time in model.Select(b => b.Time).Append(0).Append(long.MaxValue))
            Assert.Equal(model.Where(b => b.Time >= time).Select(b => b.First).DefaultIfEmpty(end).First(), log.FindByAppendTime(time));
    }

    /// <summary>Spare slabs stay counted; but for those nothing may be left.</summary>
    private static void AssertNothingIsTaken(MemoryBudget budget) => Assert.Equal(0, budget.Used % budget.SlabSize);

    private static void Append(MemoryPartitionLog log, byte[] batch, long time) =>
        Assert.True(log.TryAppend(s_fence, batch, RecordBatch.Open(batch), time));

    private static void FillUp(MemoryPartitionLog log)
    {
        var batch = Batches.Make("p", 0, 1, 1000);
        while (log.TryAppend(s_fence, batch, RecordBatch.Open(batch), 1))
            Assert.True(log.Bytes < 100_000_000, "There is no limit.");
    }
}
