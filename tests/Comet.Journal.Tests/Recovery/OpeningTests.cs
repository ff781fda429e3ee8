using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Recovery;

public sealed class OpeningTests
{
    private static readonly JournalOptions Small = new() { FirstSegmentLength = 16 * 1024, MaxSegmentLength = 16 * 1024 };

    [Fact]
    public void A_second_opener_with_other_options_gets_the_stored_ones_and_is_told()
    {
        using var directory = new TemporaryDirectory();
        using var first = Journal.Open(directory.Path, Small with { RollCycle = RollCycle.Hour, MaxWriters = 3 });
        string? told = null;
        using var second = Journal.Open(directory.Path,
            new JournalOptions { RollCycle = RollCycle.Minute, OptionsIgnored = text => told = text });
        Assert.Equal(RollCycle.Hour, second.Options.RollCycle);
        Assert.Equal(16 * 1024, second.Options.MaxSegmentLength);
        Assert.Equal(3, second.Options.MaxWriters);
        Assert.Contains("every 01:00:00", told);
        told = null;
        using var third = Journal.Open(directory.Path,
            Small with { RollCycle = RollCycle.Hour, MaxWriters = 3, OptionsIgnored = text => told = text });
        Assert.Null(told);
    }

    [Fact]
    public void What_unfinished_creations_left_is_deleted_and_other_files_are_not()
    {
        using var directory = new TemporaryDirectory();
        Append(directory.Path, 0, 10);
        string[] leftovers = ["spare-1234.tmp", "journal.meta.1234.tmp"];
        string[] others = ["notes.txt", "copy.tmp"];
        foreach (var name in (string[])[.. leftovers, .. others])
            File.WriteAllText(Path.Combine(directory.Path, name), "");
        Append(directory.Path, 10, 10);
        Assert.DoesNotContain(leftovers, name => File.Exists(Path.Combine(directory.Path, name)));
        Assert.All(others, name => Assert.True(File.Exists(Path.Combine(directory.Path, name))));
    }

    [Theory]
    [InlineData("journal.meta")]
    [InlineData("segment")]
    public void An_unknown_format_is_refused_and_left_as_it_is(string where)
    {
        using var directory = new TemporaryDirectory();
        Append(directory.Path, 0, 10);
        File.Delete(Path.Combine(directory.Path, "journal.control"));
        File.WriteAllText(Path.Combine(directory.Path, "spare-1.tmp"), "");
        var file = where == "segment" ? directory.Segments[^1] : Path.Combine(directory.Path, where);
        DirectoryState.Overwrite(file, 8, [99, 0, 0, 0]);
        var before = DirectoryState.Of(directory.Path);
        var failure = Assert.Throws<JournalException>(() => Journal.Open(directory.Path));
        Assert.Equal(JournalErrorCode.UnsupportedFormat, failure.Code);
        Assert.Equal(file, failure.File);
        Assert.Contains("99", failure.Message);
        Assert.Equal(before, DirectoryState.Of(directory.Path));
    }

    [Fact]
    public void A_recovery_that_is_cut_off_anywhere_is_finished_by_the_next_one()
    {
        using var original = new TemporaryDirectory();
        using var journal = Journal.Open(original.Path, Small with { FlushInterval = TimeSpan.FromMinutes(10), FlushLength = 1 << 30 });
        using var writer = journal.CreateWriter();
        for (var i = 0; i < 40; i++)
            writer.Append(Payload.Of(i, 1000));
        for (var step = 0; ; step++)
        {
            using var copy = DirectoryState.Copy(original.Path);
            var files = new CutOffFileSystem(step);
            var finished = true;
            try
            {
                Journal.Open(files.Environment, copy.Path, Small).Dispose();
            }
            catch (CutOffException)
            {
                finished = false;
            }

            using (var again = Journal.Open(new TracedFileSystem { SessionId = Guid.NewGuid() }.Environment, copy.Path, Small))
                Assert.Equal(Enumerable.Range(0, 40), Payload.ReadAll(again));
            if (finished)
            {
                Assert.True(step > 8, $"only {step} steps");
                return;
            }
        }
    }

    [Fact]
    public async Task A_long_journal_is_recovered_by_its_marks_without_being_read()
    {
        using var directory = new TemporaryDirectory();
        using (var journal = Journal.Open(directory.Path, Small))
        using (var writer = journal.CreateWriter())
        {
            for (var i = 0; i < 2000; i++)
            {
                writer.Append(Payload.Of(i, 1000));
                // The segments that begin behind this say how far all is durable, however seldom the background comes to it.
                if (i == 1900)
                    await journal.FlushAsync(TestContext.Current.CancellationToken);
            }
        }

        Assert.True(directory.Segments.Length > 100);

        // Damage that only reading the old segments would find.
        DirectoryState.Overwrite(directory.Segments[3], 6000, [1, 2, 3, 4]);
        using var again = Journal.Open(new TracedFileSystem { SessionId = Guid.NewGuid() }.Environment, directory.Path, Small);
        using var goingOn = again.CreateWriter();
        Assert.Equal(2000, goingOn.Append([]).Sequence);
    }

    [Fact]
    public void An_exclusive_opener_keeps_others_out_and_is_kept_out()
    {
        using var directory = new TemporaryDirectory();
        var shared = Small with { OpenTimeout = TimeSpan.Zero };
        var exclusive = shared with { Access = JournalAccess.Exclusive };
        using (Journal.Open(directory.Path, exclusive))
        {
            Assert.Equal(JournalErrorCode.InUse, Assert.Throws<JournalException>(() => Journal.Open(directory.Path, shared)).Code);
            Assert.Equal(JournalErrorCode.InUse, Assert.Throws<JournalException>(() => Journal.Open(directory.Path, exclusive)).Code);
        }

        using (Journal.Open(directory.Path, shared))
            Assert.Equal(JournalErrorCode.InUse, Assert.Throws<JournalException>(() => Journal.Open(directory.Path, exclusive)).Code);
        Journal.Open(directory.Path, exclusive).Dispose();
    }

    private static void Append(string directory, int from, int count)
    {
        using var journal = Journal.Open(directory, Small);
        using var writer = journal.CreateWriter();
        for (var i = from; i < from + count; i++)
            writer.Append(Payload.Of(i, 1000));
    }
}
