using System.Globalization;
using Comet.Tests;

namespace Comet.Journals.Tests.Processes;

public sealed class ReadersAndWritersTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    [TakesLong]
    public async Task All_processes_see_one_order_with_each_writers_own_kept_while_they_are_killed()
    {
        const int Each = 4;
        const int Kills = 60;
        using var directory = new TemporaryDirectory();
        var options = new JournalOptions { FirstSegmentLength = 64 * 1024, MaxSegmentLength = 256 * 1024 };
        using var journal = Journal.Open(directory.Path, options);
        var random = new Random(29);
        var id = 0;
        var writers = new List<ChildProcess>();
        var readers = new List<ChildProcess>();
        try
        {
            for (var i = 0; i < Each; i++)
            {
                writers.Add(ChildProcess.Start("number", directory.Path, $"{id++}"));
                readers.Add(ChildProcess.Start("follow", directory.Path));
            }

            for (var kill = 0; kill < Kills; kill++)
            {
                var isReader = kill % 5 == 4;
                var killed = isReader ? readers : writers;
                var index = random.Next(Each);
                Assert.Equal("begun", await killed[index].ReadLineAsync());
                Assert.All(await killed[index].KillAsync(), line => Assert.Equal("begun", line));
                killed[index].Dispose();
                killed[index] = isReader
                    ? ChildProcess.Start("follow", directory.Path)
                    : ChildProcess.Start("number", directory.Path, $"{id++}");
            }

            foreach (var each in writers)
            {
                Assert.Equal("begun", await each.ReadLineAsync());
                await each.KillAsync();
            }

            using var own = journal.CreateReader();
            var count = 0;
            while (own.TryRead(out _))
                count++;
            using var writer = journal.CreateWriter();
            writer.Append([]);
            var results = new List<string?>();
            foreach (var reader in readers)
            {
                Assert.Equal("begun", await reader.ReadLineAsync());
                results.Add(await reader.ReadLineAsync());
            }

            Assert.StartsWith($"{count} ", Assert.Single(results.Distinct()), StringComparison.Ordinal);
        }
        finally
        {
            foreach (var child in writers.Concat(readers))
                child.Dispose();
        }
    }

    /// <summary>100 ms are promised; of several tries one is not held up by a busy machine.</summary>
    [Fact]
    public async Task A_reader_that_sleeps_passes_the_claim_of_a_killed_writer_within_100_ms()
    {
        var best = TimeSpan.MaxValue;
        for (var attempt = 0; attempt < 8 && best > TimeSpan.FromMilliseconds(100); attempt++)
        {
            using var directory = new TemporaryDirectory();
            using var journal = Journal.Open(directory.Path);
            using var writer = journal.CreateWriter();
            using var reader = journal.CreateReader();
            using var child = ChildProcess.Start("stop in claim", directory.Path);
            Assert.Equal("claimed", await child.ReadLineAsync());
            writer.Append("behind"u8);
            var waiting = reader.WaitAsync().AsTask();
            await child.KillAsync();
            var started = TimeProvider.System.GetTimestamp();
            await waiting.WaitAsync(Patience);
            var passed = TimeProvider.System.GetElapsedTime(started);
            best = passed < best ? passed : best;
            Assert.True(reader.TryRead(out var record));
            Assert.Equal((1, "behind"), (record.Sequence, System.Text.Encoding.UTF8.GetString(record.Payload)));
        }

        Assert.True(best <= TimeSpan.FromMilliseconds(100), $"The fastest took {best.TotalMilliseconds} ms.");
    }

    [Fact]
    public async Task A_writer_that_is_stopped_in_the_middle_is_waited_for_and_goes_on()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        using var reader = journal.CreateReader();
        using var child = ChildProcess.Start("stop in claim", directory.Path);
        Assert.Equal("claimed", await child.ReadLineAsync());
        child.Pause();
        var waiting = reader.WaitAsync().AsTask();
        for (var i = 0; i < 1000; i++)
        {
            writer.Append("behind"u8);
            Assert.Empty(Support.Payload.ReadAll(journal));
        }

        Assert.False(waiting.IsCompleted);
        child.Resume();
        child.Say("go on");
        Assert.Equal("published", await child.ReadLineAsync());
        await waiting.WaitAsync(Patience);
        Assert.True(reader.TryRead(out var first));
        Assert.Equal((0, -1), (first.Sequence, BitConverter.ToInt64(first.Payload)));
        for (var i = 1; i <= 1000; i++)
        {
            Assert.True(reader.TryRead(out var record));
            Assert.Equal(i, record.Sequence);
        }
    }

    [Fact]
    public async Task Of_a_batch_whose_writer_was_killed_in_the_middle_nothing_is_seen()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        using var reader = journal.CreateReader();
        writer.Append("before"u8);
        using var child = ChildProcess.Start("stop in batch", directory.Path);
        Assert.Equal("claimed", await child.ReadLineAsync());
        Assert.True(reader.TryRead(out _));
        Assert.False(reader.TryRead(out _));
        await child.KillAsync();
        writer.Append("behind"u8);
        await reader.WaitAsync().AsTask().WaitAsync(Patience);
        Assert.True(reader.TryRead(out var record));
        Assert.Equal("behind"u8, record.Payload);
    }

    [Fact]
    public async Task A_named_reader_that_is_killed_repeats_at_most_what_it_had_not_committed()
    {
        const int Kills = 6;
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        for (var i = 0; i < 200_000; i++)
            writer.Append("record"u8);
        var random = new Random(5);
        var last = -1L;
        for (var kill = 0; kill < Kills; kill++)
        {
            using var child = ChildProcess.Start("commit", directory.Path, "named");
            var begins = await child.ReadLineAsync();
            Assert.Contains(begins, new[] { $"begins with {last + 1}", $"begins with {last + 2}" });
            Assert.Equal(JournalErrorCode.ReaderInUse, Assert.Throws<JournalException>(() => journal.OpenReader("named")).Code);
            var told = new List<string?>();
            for (var i = random.Next(1, 500); i > 0; i--)
                told.Add(await child.ReadLineAsync());
            told.AddRange(await child.KillAsync());
            last = long.Parse(told[^1]!, CultureInfo.InvariantCulture);
        }

        // Its name went with it.
        using var named = journal.OpenReader("named");
        Assert.InRange(named.NextSequence, last + 1, last + 2);
    }
}
