using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Control;

/// <summary>What a journal tells, and refuses, once it is closed: its memory is gone then.</summary>
public sealed class ClosedJournalTests
{
    [Fact]
    public async Task Whatever_is_asked_of_a_closed_journal_is_refused()
    {
        using var directory = new TemporaryDirectory();
        var journal = Journal.Open(directory.Path);
        var writer = journal.CreateWriter();
        var reader = journal.CreateReader();
        var named = journal.OpenReader("a");
        writer.Append(Payload.Of(0));
        writer.Dispose();
        reader.Dispose();
        named.Dispose();
        journal.Dispose();
        Assert.Null(journal.Fault);
        Assert.False(journal.IsFaulted);
        Assert.Throws<ObjectDisposedException>(() => journal.LastSequence);
        Assert.Throws<ObjectDisposedException>(() => journal.FirstSequence);
        Assert.Throws<ObjectDisposedException>(() => journal.Count());
        Assert.Throws<ObjectDisposedException>(() => journal.GetSegments());
        Assert.Throws<ObjectDisposedException>(() => journal.GetReaders());
        Assert.Throws<ObjectDisposedException>(() => journal.TruncateBefore(1));
        Assert.Throws<ObjectDisposedException>(() => journal.RunMaintenance());
        Assert.Throws<ObjectDisposedException>(() => journal.OpenReader("a"));
        Assert.Throws<ObjectDisposedException>(() => journal.DeleteReader("a"));
        Assert.Throws<ObjectDisposedException>(() => journal.CreateReader());
        Assert.Throws<ObjectDisposedException>(() => journal.CreateWriter());
        Assert.Throws<ObjectDisposedException>(() => writer.Append(Payload.Of(1)));
        Assert.Throws<ObjectDisposedException>(() => writer.Append(Payload.Of(1), JournalDurability.Disk));
        Assert.Throws<ObjectDisposedException>(() => reader.TryRead(out _));
        Assert.Throws<ObjectDisposedException>(() => reader.TryReadBackward(out _));
        Assert.Throws<ObjectDisposedException>(() => reader.Seek(JournalStart.End));
        Assert.Throws<ObjectDisposedException>(() => named.Commit());
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await journal.FlushAsync());
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await reader.WaitAsync());
    }

    /// <summary>A writer that there is no place for leaves nothing behind: the segment it would have written is let go of.</summary>
    [Fact]
    public void A_writer_that_is_refused_holds_nothing()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, new JournalOptions { MaxWriters = 1 });
        var writer = journal.CreateWriter();
        Assert.Equal(JournalErrorCode.TooManyWriters, Assert.Throws<JournalException>(journal.CreateWriter).Code);
        var segment = journal.State.Roller!.Active();
        segment.Release();
        Assert.True(segment.IsInUse);
        writer.Dispose();
        Assert.False(segment.IsInUse);
    }
}
