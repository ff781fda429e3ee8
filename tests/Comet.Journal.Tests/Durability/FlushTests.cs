using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Durability;

public sealed class FlushTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly JournalOptions Quiet = new() { FlushInterval = TimeSpan.FromMinutes(10), FlushLength = 1 << 30 };

    [Fact]
    public async Task An_append_is_confirmed_after_the_flush_that_began_after_it_and_not_before()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var journal = Journal.Open(files.Environment, directory.Path, Quiet);
        using var writer = journal.CreateWriter();
        using var entered = new SemaphoreSlim(0);
        using var hold = new SemaphoreSlim(0);
        files.BeforeFlush = _ =>
        {
            entered.Release();
            Assert.True(hold.Wait(Limit));
        };

        var first = writer.AppendAsync(Payload.Of(0)).AsTask();
        Assert.True(await entered.WaitAsync(Limit));
        var second = writer.AppendAsync(Payload.Of(1)).AsTask();
        Assert.False(first.IsCompleted);
        hold.Release();
        Assert.Equal(0, (await first.WaitAsync(Limit)).Sequence);
        Assert.True(await entered.WaitAsync(Limit));
        Assert.False(second.IsCompleted);
        hold.Release(100);
        Assert.Equal(1, (await second.WaitAsync(Limit)).Sequence);
        files.BeforeFlush = null;
    }

    [Fact]
    public async Task All_that_wait_when_a_flush_begins_share_it()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var journal = Journal.Open(files.Environment, directory.Path, Quiet);
        using var writer = journal.CreateWriter();
        using var entered = new SemaphoreSlim(0);
        using var hold = new SemaphoreSlim(0);
        files.BeforeFlush = _ =>
        {
            entered.Release();
            Assert.True(hold.Wait(Limit));
        };
        var before = files.FileFlushes;
        var waits = new List<Task> { writer.AppendAsync(Payload.Of(0)).AsTask() };
        Assert.True(await entered.WaitAsync(Limit));
        for (var i = 1; i <= 500; i++)
            waits.Add(writer.AppendAsync(Payload.Of(i, 8)).AsTask());
        hold.Release(1000);
        await Task.WhenAll(waits).WaitAsync(Limit);
        files.BeforeFlush = null;
        Assert.Equal(2, files.FileFlushes - before);
    }

    [Fact]
    public async Task A_failed_flush_fails_all_that_wait_and_the_journal_for_good_and_is_not_tried_again()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        var journal = Journal.Open(files.Environment, directory.Path, Quiet);
        var other = Journal.Open(directory.Path, Quiet);
        using (var writer = journal.CreateWriter())
        {
            await writer.AppendAsync(Payload.Of(0));
            var failures = 0;
            using var allAppended = new ManualResetEventSlim();
            files.BeforeFlush = _ =>
            {
                failures++;
                allAppended.Wait(Limit);
                throw new JournalException(JournalErrorCode.StorageError, "Flushing failed (EIO).");
            };
            var waits = Enumerable.Range(1, 10).Select(i => writer.AppendAsync(Payload.Of(i)).AsTask()).ToList();
            allAppended.Set();
            foreach (var wait in waits)
            {
                var failure = await Assert.ThrowsAsync<JournalException>(() => wait.WaitAsync(Limit));
                Assert.Equal(JournalErrorCode.Faulted, failure.Code);
                Assert.True(failure.IsOutcomeUnknown);
            }

            Assert.True(journal.IsFaulted);
            Assert.Equal(JournalErrorCode.Faulted, journal.Fault!.Code);
            Assert.Equal(JournalErrorCode.Faulted, Assert.Throws<JournalException>(() => writer.Append(Payload.Of(11))).Code);
            await Assert.ThrowsAsync<JournalException>(async () => await journal.FlushAsync());
            Assert.True(other.IsFaulted);
            using (var late = other.CreateWriter())
                Assert.Equal(JournalErrorCode.Faulted, Assert.Throws<JournalException>(() => late.Append(Payload.Of(11))).Code);
            Assert.Equal(1, failures);
            journal.Dispose();
            Assert.Equal(1, failures);
        }

        other.Dispose();
        using var again = Journal.Open(directory.Path, Quiet);
        Assert.False(again.IsFaulted);
        Assert.Equal(0, Payload.ReadAll(again)[0]);
        using var next = again.CreateWriter();
        await next.AppendAsync(Payload.Of(12));
    }

    [Fact]
    public async Task A_full_disk_at_a_flush_is_a_failure_like_any_other()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var journal = Journal.Open(files.Environment, directory.Path, Quiet);
        using var writer = journal.CreateWriter();
        files.BeforeFlush = _ => throw new JournalException(JournalErrorCode.StorageFull, "No space (ENOSPC).");
        var failure = await Assert.ThrowsAsync<JournalException>(async () => await writer.AppendAsync(Payload.Of(0)));
        Assert.Equal(JournalErrorCode.Faulted, failure.Code);
        Assert.False(failure.IsTransient);
    }

    [Fact]
    public async Task The_name_of_a_new_segment_is_durable_before_anything_in_it_is_confirmed()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var journal = Journal.Open(files.Environment, directory.Path, Quiet with { FirstSegmentLength = 16 * 1024 });
        using var writer = journal.CreateWriter();
        var segment = 1L;
        for (var i = 0; segment < 4; i++)
        {
            var begin = files.Events.Count;
            var position = await writer.AppendAsync(Payload.Of(i, 1000));
            if (position.Segment == segment)
                continue;

            segment = position.Segment;
            var events = files.Events.Skip(begin).ToList();
            var name = Path.GetFileName(directory.Segments[(int)segment - 1]);
            Assert.Contains("directory", events);
            Assert.Contains($"flush {name}", events);
            Assert.Contains($"flush {Path.GetFileName(directory.Segments[(int)segment - 2])}", events);
        }
    }

    [Fact]
    public async Task What_nobody_waits_for_is_flushed_after_the_interval()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var flushed = new SemaphoreSlim(0);
        using var journal = Journal.Open(files.Environment, directory.Path);
        using var writer = journal.CreateWriter();
        files.BeforeFlush = _ => flushed.Release();
        writer.Append(Payload.Of(0));
        Assert.True(await flushed.WaitAsync(Limit));
    }

    [Fact]
    public async Task Much_that_nobody_waits_for_is_flushed_before_the_interval_is_over()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var flushed = new SemaphoreSlim(0);
        using var journal = Journal.Open(files.Environment, directory.Path, Quiet with { FlushLength = 256 * 1024 });
        using var writer = journal.CreateWriter();
        files.BeforeFlush = _ => flushed.Release();
        for (var i = 0; i < 400; i++)
            writer.Append(Payload.Of(i, 1000));
        Assert.True(await flushed.WaitAsync(Limit));
    }

    [Fact]
    public async Task Cancelling_ends_the_wait_but_not_the_append()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var journal = Journal.Open(files.Environment, directory.Path, Quiet);
        using var writer = journal.CreateWriter();
        using var hold = new SemaphoreSlim(0);
        files.BeforeFlush = _ => Assert.True(hold.Wait(Limit));
        using var cancellation = new CancellationTokenSource();
        var wait = writer.AppendAsync(Payload.Of(0), JournalDurability.Disk, cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait.WaitAsync(Limit));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await writer.AppendAsync(Payload.Of(1), JournalDurability.Disk, cancellation.Token));
        hold.Release(1000);
        for (var i = 1; i < 100; i++)
            Assert.Equal(i, (await writer.AppendAsync(Payload.Of(i)).AsTask().WaitAsync(Limit)).Sequence);
        Assert.Equal(Enumerable.Range(0, 100), Payload.ReadAll(journal));
        files.BeforeFlush = null;
    }

    [Fact]
    public async Task Os_appends_are_confirmed_at_once()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Quiet);
        using var writer = journal.CreateWriter();
        var wait = writer.AppendAsync(Payload.Of(0), JournalDurability.Os);
        Assert.True(wait.IsCompletedSuccessfully);
        Assert.Equal(0, (await wait).Sequence);
    }

    [Fact]
    public async Task Flushes_of_two_openers_and_many_threads_confirm_everything()
    {
        using var directory = new TemporaryDirectory();
        var options = new JournalOptions { FirstSegmentLength = 32 * 1024, MaxSegmentLength = 64 * 1024 };
        using var one = Journal.Open(directory.Path, options);
        using var two = Journal.Open(directory.Path, options);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(id => Task.Run(async () =>
        {
            using var writer = (id % 2 == 0 ? one : two).CreateWriter();
            var last = -1L;
            for (var i = 0; i < 100; i++)
            {
                var position = await writer.AppendAsync(Payload.Of((id * 100) + i, 700)).AsTask().WaitAsync(Limit);
                Assert.True(position.Sequence > last);
                last = position.Sequence;
            }
        })));
        await two.FlushAsync();
        Assert.Equal(Enumerable.Range(0, 400), Payload.ReadAll(one).Order());
    }
}
