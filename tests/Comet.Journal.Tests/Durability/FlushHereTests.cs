using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Durability;

/// <summary>Flushing on the caller's thread.</summary>
public sealed class FlushHereTests
{
    private static readonly JournalOptions Quiet = new() { FlushInterval = TimeSpan.FromMinutes(10), FlushLength = 1 << 30 };

    [Fact]
    public void What_was_appended_is_flushed_on_the_callers_thread_before_the_call_returns()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var journal = Journal.Open(files.Environment, directory.Path, Quiet);
        using var writer = journal.CreateWriter();
        writer.Append(Payload.Of(0));
        var threads = new List<int>();
        files.BeforeFlush = _ => threads.Add(Environment.CurrentManagedThreadId);
        journal.Flush();
        files.BeforeFlush = null;
        Assert.Equal(Environment.CurrentManagedThreadId, Assert.Single(threads));
    }

    [Fact]
    public async Task It_returns_when_nothing_was_appended_since_the_last_one_also_behind_the_mark_of_an_idle_journal()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, new JournalOptions { FlushInterval = TimeSpan.FromMilliseconds(1) });
        journal.Flush();
        using var writer = journal.CreateWriter();
        for (var i = 0; i < 20; i++)
        {
            writer.Append(Payload.Of(i));
            // The background flushes too, and writes the mark that says so; neither may keep this from ending.
            await Task.Run(journal.Flush).WaitAsync(TimeSpan.FromSeconds(30));
            await Task.Delay(TimeSpan.FromMilliseconds(3), TimeProvider.System);
            await Task.Run(journal.Flush).WaitAsync(TimeSpan.FromSeconds(30));
        }

        Assert.Equal(Enumerable.Range(0, 20), Payload.ReadAll(journal));
    }

    [Fact]
    public void A_failed_one_fails_the_journal_for_good()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var journal = Journal.Open(files.Environment, directory.Path, Quiet);
        using var writer = journal.CreateWriter();
        writer.Append(Payload.Of(0));
        files.BeforeFlush = _ => throw new JournalException(JournalErrorCode.StorageError, "Flushing failed (EIO).");
        Assert.Equal(JournalErrorCode.Faulted, Assert.Throws<JournalException>(journal.Flush).Code);
        files.BeforeFlush = null;
        Assert.Equal(JournalErrorCode.Faulted, Assert.Throws<JournalException>(journal.Flush).Code);
    }

    [Fact]
    public void A_closed_journal_refuses_it()
    {
        using var directory = new TemporaryDirectory();
        var journal = Journal.Open(directory.Path, Quiet);
        journal.Dispose();
        Assert.Throws<ObjectDisposedException>(journal.Flush);
    }
}
