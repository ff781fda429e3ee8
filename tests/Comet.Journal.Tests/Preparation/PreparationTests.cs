using System.Globalization;
using Comet.Journals.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Journals.Tests.Preparation;

public sealed class PreparationTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task The_next_segment_is_made_in_the_background_before_the_active_one_is_full()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var made = new SemaphoreSlim(0);
        using var journal = Journal.Open(
            files.Environment, directory.Path, new JournalOptions { FirstSegmentLength = 256 * 1024, MaxSegmentLength = 256 * 1024 });
        using var writer = journal.CreateWriter();
        var byWriter = 0;
        var thread = -1;
        files.BeforePreallocate = (_, _) =>
        {
            if (Environment.CurrentManagedThreadId == Volatile.Read(ref thread))
                byWriter++;
            made.Release();
        };
        for (var segment = 1; segment < 6; segment++)
        {
            Volatile.Write(ref thread, Environment.CurrentManagedThreadId);
            while (made.CurrentCount == 0 && writer.Append(Payload.Of(1, 1000)).FilePosition < 200 * 1024)
            {
                // Until the spare is asked for.
            }

            Volatile.Write(ref thread, -1);
            Assert.True(await made.WaitAsync(Limit));
            using var limit = new CancellationTokenSource(Limit);
            while (Spares(directory) == 0)
            {
                limit.Token.ThrowIfCancellationRequested();
                await Task.Yield();
            }

            Volatile.Write(ref thread, Environment.CurrentManagedThreadId);
            while (writer.Append(Payload.Of(1, 1000)).Segment == segment)
            {
                // Into the next one.
            }
        }

        Assert.Equal(0, byWriter);
        Assert.Equal(6, directory.Segments.Length);
    }

    [Fact]
    public async Task The_next_segment_is_made_in_the_background_before_the_cycle_is_over()
    {
        using var directory = new TemporaryDirectory();
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 10, 0, 0, TimeSpan.Zero));
        using var journal = Journal.Open(directory.Path, new JournalOptions { RollCycle = RollCycle.Hour, TimeProvider = time });
        using var writer = journal.CreateWriter();
        writer.Append(Payload.Of(0));
        await journal.FlushAsync();
        Assert.Equal(0, Spares(directory));
        time.Advance(TimeSpan.FromMinutes(60) - TimeSpan.FromSeconds(1));
        writer.Append(Payload.Of(1));
        using var limit = new CancellationTokenSource(Limit);
        while (Spares(directory) == 0)
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, writer.Append(Payload.Of(2)).Segment);
        Assert.Equal([0, 1, 2], Payload.ReadAll(journal));
    }

    [Fact]
    public void A_spare_that_was_not_needed_is_deleted_when_the_journal_is_closed()
    {
        using var directory = new TemporaryDirectory();
        using (var journal = Journal.Open(directory.Path, new JournalOptions { FirstSegmentLength = 256 * 1024 }))
        using (var writer = journal.CreateWriter())
        {
            using var limit = new CancellationTokenSource(Limit);
            while (Spares(directory) == 0)
            {
                limit.Token.ThrowIfCancellationRequested();
                writer.Append(Payload.Of(1, 1000));
            }
        }

        Assert.Equal(0, Spares(directory));
    }

    [Fact]
    public void Appending_allocates_nothing()
    {
        using var directory = new TemporaryDirectory();
        var options = new JournalOptions { FirstSegmentLength = 64 << 20, FlushInterval = TimeSpan.FromHours(1), FlushLength = 1 << 30 };
        using var journal = Journal.Open(directory.Path, options);
        using var writer = journal.CreateWriter();
        var payload = new byte[160];
        for (var i = 0; i < 50_000; i++)
            writer.Append(payload);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100_000; i++)
            writer.Append(payload);

        // What goes on once per 64 KiB may find a thread asleep for good and begin another.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2048);
    }

    [Fact]
    public async Task Many_quiet_journals_take_no_thread_each_and_no_spares()
    {
        const int Count = 300;
        using var directory = new TemporaryDirectory();
        var options = new JournalOptions { FirstSegmentLength = 16 * 1024 };
        var journals = new List<(Journal Journal, JournalWriter Writer)>();
        try
        {
            var before = ThreadCount();
            for (var i = 0; i < Count; i++)
            {
                var journal = Journal.Open(Path.Combine(directory.Path, $"{i}"), options);
                journals.Add((journal, journal.CreateWriter()));
            }

            await Task.WhenAll(journals.Select(each => each.Writer.AppendAsync(Payload.Of(1)).AsTask())).WaitAsync(Limit);
            Assert.True(ThreadCount() - before < 40, $"{ThreadCount() - before} threads more");
            foreach (var (journal, _) in journals)
                Assert.Equal(3, Directory.GetFiles(journal.DirectoryPath).Length);
        }
        finally
        {
            foreach (var (journal, writer) in journals)
            {
                writer.Dispose();
                journal.Dispose();
            }
        }
    }

    [Fact]
    public async Task An_idle_journal_lets_its_memory_go_and_goes_on_after_that()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc.");
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        for (var i = 0; i < 500; i++)
            writer.Append(Payload.Of(i, 1000));
        Assert.True(Resident(directory.Segments[0]) > 0);
        using var limit = new CancellationTokenSource(Limit);
        while (Resident(directory.Segments[0]) > 0)
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Delay(100, limit.Token);
        }

        writer.Append(Payload.Of(500, 1000));
        Assert.Equal(Enumerable.Range(0, 501), Payload.ReadAll(journal));
    }

    private static int Spares(TemporaryDirectory directory) => Directory.GetFiles(directory.Path, "spare-*.tmp").Length;

    private static int ThreadCount() => System.Diagnostics.Process.GetCurrentProcess().Threads.Count;

    // KiB of the file that are in this process's memory.
    private static long Resident(string file)
    {
        var lines = File.ReadAllLines("/proc/self/smaps");
        var at = Array.FindIndex(lines, line => line.EndsWith(file, StringComparison.Ordinal));
        var rss = lines.Skip(at).First(line => line.StartsWith("Rss:", StringComparison.Ordinal));
        return at < 0 ? -1 : long.Parse(rss.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
