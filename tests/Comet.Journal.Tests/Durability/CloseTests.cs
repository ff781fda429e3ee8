using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Durability;

public sealed class CloseTests
{
    private static readonly JournalOptions Quiet = new() { FlushInterval = TimeSpan.FromMinutes(10), FlushLength = 1 << 30 };

    [Fact]
    public void Opening_again_after_a_clean_close_goes_on_in_the_same_segment()
    {
        using var directory = new TemporaryDirectory();
        for (var session = 0; session < 5; session++)
        {
            using var journal = Journal.Open(directory.Path, Quiet);
            using var writer = journal.CreateWriter();
            writer.Append(Payload.Of(session));
            Assert.Equal(Enumerable.Range(0, session + 1), Payload.ReadAll(journal));
        }

        Assert.Single(directory.Segments);
    }

    [Fact]
    public void So_does_opening_after_a_clean_close_and_a_restart_of_the_machine()
    {
        using var directory = new TemporaryDirectory();
        for (var session = 0; session < 5; session++)
        {
            var files = new TracedFileSystem { SessionId = new Guid(session + 1, 0, 0, new byte[8]) };
            using var journal = Journal.Open(files.Environment, directory.Path, Quiet);
            using var writer = journal.CreateWriter();
            writer.Append(Payload.Of(session));
            Assert.Equal(Enumerable.Range(0, session + 1), Payload.ReadAll(journal));
        }

        Assert.Single(directory.Segments);
    }

    [Fact]
    public void Closing_flushes_what_was_appended_and_closing_without_appends_flushes_nothing()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using (var journal = Journal.Open(files.Environment, directory.Path, Quiet))
        using (var writer = journal.CreateWriter())
            writer.Append(Payload.Of(0));
        var name = Path.GetFileName(Assert.Single(directory.Segments));
        Assert.Equal($"flush {name}", files.Events[^1]);

        var before = files.Events.Count;
        Journal.Open(files.Environment, directory.Path, Quiet).Dispose();
        Assert.Equal(before, files.Events.Count);
    }

    [Fact]
    public void Opening_after_a_clean_close_reads_no_records()
    {
        using var directory = new TemporaryDirectory();
        using (var journal = Journal.Open(directory.Path, Quiet))
        using (var writer = journal.CreateWriter())
        {
            for (var i = 0; i < 10; i++)
                writer.Append(Payload.Of(i));
        }

        // Damage that a scan would find.
        var file = Assert.Single(directory.Segments);
        using (var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            stream.Position = 24_000;
            var at = IndexOf(File.ReadAllBytes(file), Payload.Of(5));
            stream.Position = at + 20;
            stream.WriteByte(0x55);
        }

        using var again = Journal.Open(directory.Path, Quiet);
        using var next = again.CreateWriter();
        Assert.Equal(10, next.Append(Payload.Of(10)).Sequence);
        Assert.Throws<JournalException>(() => Payload.ReadAll(again));
    }

    [Fact]
    public void The_last_of_several_to_close_ends_the_session()
    {
        using var directory = new TemporaryDirectory();
        for (var session = 0; session < 3; session++)
        {
            var one = Journal.Open(directory.Path, Quiet);
            var two = Journal.Open(directory.Path, Quiet);
            using (var writer = one.CreateWriter())
                writer.Append(Payload.Of(2 * session));
            one.Dispose();
            using (var writer = two.CreateWriter())
                writer.Append(Payload.Of((2 * session) + 1));
            two.Dispose();
        }

        Assert.Single(directory.Segments);
        using var journal = Journal.Open(directory.Path, Quiet);
        Assert.Equal(Enumerable.Range(0, 6), Payload.ReadAll(journal));
    }

    [Fact]
    public void A_reader_that_outlives_its_journal_keeps_nobody_out()
    {
        using var directory = new TemporaryDirectory();
        var journal = Journal.Open(directory.Path, Quiet with { Access = JournalAccess.Exclusive });
        using var reader = journal.CreateReader();
        journal.Dispose();
        Assert.Throws<ObjectDisposedException>(() => reader.TryRead(out _));
        Journal.Open(directory.Path, Quiet with { Access = JournalAccess.Exclusive, OpenTimeout = TimeSpan.Zero }).Dispose();
    }

    private static int IndexOf(byte[] bytes, byte[] part) => bytes.AsSpan().IndexOf(part);
}
