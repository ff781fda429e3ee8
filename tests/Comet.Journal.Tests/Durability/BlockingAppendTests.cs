using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Durability;

public sealed class BlockingAppendTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Threads_that_wait_for_the_disk_share_flushes_and_all_is_there()
    {
        const int Threads = 6;
        const int Each = 200;
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var journal = Journal.Open(files.Environment, directory.Path, new JournalOptions { FirstSegmentLength = 1 << 20 });
        var before = files.FileFlushes;
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(id => Task.Factory.StartNew(() =>
        {
            using var writer = journal.CreateWriter();
            for (var i = 0; i < Each; i++)
                writer.Append(Payload.Of((id * Each) + i, 30), JournalDurability.Disk);
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))).WaitAsync(Limit);
        Assert.Equal(Enumerable.Range(0, Threads * Each), Payload.ReadAll(journal).Order());
        Assert.InRange(files.FileFlushes - before, 1, Threads * Each * 3 / 4);
    }

    [Fact]
    public void A_failed_flush_is_thrown_where_it_is_waited_for()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var journal = Journal.Open(files.Environment, directory.Path);
        using var writer = journal.CreateWriter();
        writer.Append(Payload.Of(0), JournalDurability.Disk);
        files.BeforeFlush = _ => throw new JournalException(JournalErrorCode.StorageError, "Flushing failed (EIO).");
        Assert.True(Assert.Throws<JournalException>(() => writer.Append(Payload.Of(1), JournalDurability.Disk)).IsOutcomeUnknown);
        files.BeforeFlush = null;
        Assert.Equal(JournalErrorCode.Faulted,
            Assert.Throws<JournalException>(() => writer.Append(Payload.Of(2), JournalDurability.Disk)).Code);
        Assert.True(journal.IsFaulted);
    }
}
