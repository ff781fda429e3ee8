using Comet.Server.Storage;
using Comet.Server.Storage.Local;
using Comet.Server.Storage.Memory;
using Comet.Server.Tests.Broker;
using Comet.Wire;
using CsCheck;

namespace Comet.Server.Tests.Storage;

/// <summary>What every provider's log promises, against a plain list of batches.</summary>
public sealed class PartitionLogConformanceTests
{
    private static readonly FencingToken s_fence = new(7);

    private static readonly Gen<List<Step>> s_steps = Gen.Select(
        Gen.Frequency((10, Gen.Const(Act.Append)), (2, Gen.Const(Act.Truncate)), (3, Gen.Const(Act.Commit)), (1, Gen.Const(Act.Rest)),
            (1, Gen.Const(Act.Reopen)), (1, Gen.Const(Act.Kill))),
        Gen.Int[1, 8], Gen.Int[0, 20_000], Gen.Int[0, 100], (act, count, padding, at) => new Step(act, count, padding, at)).List[5, 40];

    private enum Act
    {
        Append,
        Truncate,
        Commit,
        Rest,
        Reopen,
        Kill,
    }

    /// <summary>Appends, commits, truncations, restarts and kills in any order. What a kill finds in the mapped files is there
    /// afterwards, committed or not.</summary>
    [Theory]
    [InlineData("memory", 200)]
    [InlineData("local", 12)]
    [InlineData("local, cold", 12)]
    [InlineData("local, packed", 12)]
    public void It_holds_what_was_appended_less_what_was_truncated(string provider, int count) =>
        s_steps.Sample(steps =>
        {
            using var subject = LogUnderTest.Create(provider);
            var model = new Model();
            foreach (var step in steps)
            {
                model.Take(step, subject);
                model.Check(subject.Log);
            }
        }, iter: count, threads: 1);

    [Theory]
    [InlineData("memory")]
    [InlineData("local")]
    [InlineData("local, packed")]
    public void What_is_stored_carries_the_brokers_stamp_and_is_whole(string provider)
    {
        using var subject = LogUnderTest.Create(provider);
        var batch = Batches.Make("p", 40, 5);
        Append(subject.Log, batch, time: 123);
        Append(subject.Log, batch, time: 124);
        subject.Reopen();
        Assert.True(subject.Log.TryRead(6, out var stored));
        var header = RecordBatch.Open(stored.Bytes.Span);
        Assert.Equal(
            (5, 9, 7, 124, 40), (header.BaseOffset, header.LastOffset, header.OwnershipEpoch, header.AppendTime, header.BaseSequence));
        Assert.Equal(header, stored.Header with { Checksum = header.Checksum });
        Assert.Equal((5L, "m40"), Batches.Read(stored.Bytes.ToArray())[0]);
    }

    [Fact]
    public void To_tell_its_size_no_file_is_opened()
    {
        using var subject = LogUnderTest.Create("local");
        Assert.Null(subject.Log.KnownSize);
        Append(subject.Log, Batches.Make("p", 0, 3), time: 1);
        var size = subject.Log.KnownSize;
        Assert.Equal(new LogSize(3, subject.Log.Bytes), size);
        subject.Reopen();
        Assert.Null(subject.Log.KnownSize);
        Assert.Equal(3, subject.Log.EndOffset);
        Assert.Equal(size, subject.Log.KnownSize);
        // In one that was made just now there is nothing.
        using var made = new LocalPartitionLog("nowhere", new LocalStorageOptions { Directory = "nowhere" },
            new MemoryBudget(long.MaxValue), new FakeRecord { IsNew = true });
        Assert.Equal(new LogSize(0, 0), made.KnownSize);
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("local")]
    [InlineData("local, packed")]
    public void The_time_that_is_looked_for_is_found_also_when_the_clock_was_set_back(string provider)
    {
        using var subject = LogUnderTest.Create(provider);
        foreach (var time in new long[] { 100, 500, 200 })
            Append(subject.Log, Batches.Make("p", 0, 1), time);
        subject.Reopen();
        foreach (var time in new long[] { 300, 600 })
            Append(subject.Log, Batches.Make("p", 0, 1), time);
        Assert.Equal(1, subject.Log.FindByAppendTime(250));
        Assert.Equal(0, subject.Log.FindByAppendTime(0));
        Assert.Equal(4, subject.Log.FindByAppendTime(501));
        Assert.Equal(5, subject.Log.FindByAppendTime(601));
        Assert.Equal(1, subject.Log.FindByAppendTime(101));
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("local")]
    [InlineData("local, packed")]
    public async Task A_commit_makes_everything_stable_that_was_appended_before(string provider)
    {
        using var subject = LogUnderTest.Create(provider);
        Append(subject.Log, Batches.Make("p", 0, 3), 1);
        Assert.Equal((0, 3), (subject.Log.StableOffset, subject.Log.EndOffset));
        await subject.Log.CommitAsync(s_fence, CancellationToken.None);
        Assert.Equal((3, 3), (subject.Log.StableOffset, subject.Log.EndOffset));
        await subject.Log.CommitAsync(s_fence, CancellationToken.None);
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("local")]
    [InlineData("local, packed")]
    public void A_batch_larger_than_a_slab_or_a_segment_is_stored(string provider)
    {
        using var subject = LogUnderTest.Create(provider);
        var batch = Batches.Make("p", 0, 1, 3_000_000);
        Append(subject.Log, batch, 1);
        Append(subject.Log, Batches.Make("p", 1, 1), 1);
        subject.Reopen();
        Assert.True(subject.Log.TryRead(0, out var stored));
        Assert.Equal(batch.Length, stored.Bytes.Length);
    }

    private static void Append(IPartitionLog log, byte[] batch, long time) =>
        Assert.True(log.TryAppend(s_fence, batch, RecordBatch.Open(batch), time));

    private sealed record Step(Act Act, int Count, int Padding, int At);

    private sealed class Model
    {
        private readonly List<(long First, long Last, long Time, byte[] Bytes)> _batches = [];
        private long _start;
        private long _end;
        private long _time = 1000;

        public void Take(Step step, LogUnderTest subject)
        {
            switch (step.Act)
            {
                case Act.Append:
                    _time += step.Count - 1;
                    var batch = Batches.Make("p", _end, step.Count, step.Padding);
                    Append(subject.Log, batch, _time);
                    _batches.Add((_end, _end + step.Count - 1, _time, batch));
                    _end += step.Count;
                    break;
                case Act.Truncate:
                    subject.Log.TruncateBefore(s_fence, step.At);
                    _start = _batches.Where(b => b.Last < step.At).Select(b => b.Last + 1).DefaultIfEmpty(_start).Max();
                    _batches.RemoveAll(b => b.Last < step.At);
                    break;
                case Act.Commit:
                    var commit = subject.Log.CommitAsync(s_fence, CancellationToken.None).AsTask();
                    ((IAsyncResult)commit).AsyncWaitHandle.WaitOne();
                    Assert.True(commit.IsCompletedSuccessfully, commit.Exception?.ToString());
                    Assert.Equal(_end, subject.Log.StableOffset);
                    subject.LookAfter();
                    break;
                case Act.Rest:
                    subject.Log.Rest();
                    break;
                case Act.Reopen:
                    subject.Reopen();
                    break;
                default:
                    subject.Kill();
                    break;
            }
        }

        public void Check(IPartitionLog log)
        {
            Assert.Equal((_start, _end, _batches.Sum(b => b.Bytes.Length)), (log.StartOffset, log.EndOffset, log.Bytes));
            Assert.Equal(new LogSize(log.EndOffset - log.StartOffset, log.Bytes), log.KnownSize);
            for (var offset = 0L; offset <= _end; offset += 3)
                CheckRead(log, offset);
            foreach (var time in _batches.Select(b => b.Time).Append(0).Append(long.MaxValue))
            {
                var expected = _batches.Where(b => b.Time >= time).Select(b => b.First).DefaultIfEmpty(_end).First();
                Assert.Equal(expected, log.FindByAppendTime(time));
            }
        }

        private void CheckRead(IPartitionLog log, long offset)
        {
            var index = _batches.FindIndex(b => b.Last >= offset);
            Assert.Equal(index < 0 ? 0 : _batches.Skip(index).Sum(b => b.Bytes.Length), log.BytesFrom(offset));
            Assert.Equal(index >= 0, log.TryRead(offset, out var stored));
            if (index < 0)
                return;
            Assert.Equal((_batches[index].First, _batches[index].Last), (stored.BaseOffset, stored.LastOffset));
            // All but the broker's stamp is as it was sent.
            Assert.True(stored.Bytes.Span[RecordBatchHeader.ChecksumPosition..].SequenceEqual(
                _batches[index].Bytes.AsSpan(RecordBatchHeader.ChecksumPosition)));
        }
    }
}
