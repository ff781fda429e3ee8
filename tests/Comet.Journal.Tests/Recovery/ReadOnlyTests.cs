using Comet.Journals.Recovery;
using Comet.Journals.Tests.Processes;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Recovery;

public sealed class ReadOnlyTests
{
    private static readonly JournalOptions Reading = new() { Access = JournalAccess.ReadOnly };

    private static readonly JournalOptions Quiet = new()
    {
        FirstSegmentLength = 64 * 1024,
        FlushInterval = TimeSpan.FromMinutes(10),
        FlushLength = 1 << 30
    };

    [Fact]
    public void A_journal_that_is_not_there_is_not_created()
    {
        using var directory = new TemporaryDirectory();
        var path = Path.Combine(directory.Path, "none");
        Assert.Equal(JournalErrorCode.NotFound, Assert.Throws<JournalException>(() => Journal.Open(path, Reading)).Code);
        Assert.False(Directory.Exists(path));
    }

    [Fact]
    public void It_follows_a_journal_that_others_write_and_changes_nothing()
    {
        using var directory = new TemporaryDirectory();
        using var writing = Journal.Open(directory.Path, Quiet);
        using var writer = writing.CreateWriter();
        writer.Append(Payload.Of(0));
        var names = Directory.GetFiles(directory.Path);
        using var journal = Journal.Open(directory.Path, Reading);
        using var reader = journal.CreateReader();
        Assert.True(reader.TryRead(out _));
        Assert.False(reader.TryRead(out _));
        writer.Append(Payload.Of(1));
        Assert.True(reader.TryRead(out _));
        Assert.Equal(names, Directory.GetFiles(directory.Path));
        Assert.Equal(JournalErrorCode.ReadOnly, Assert.Throws<JournalException>(() => journal.CreateWriter()).Code);
    }

    [Theory]
    [InlineData("told")]
    [InlineData("not told")]
    public async Task It_passes_the_hole_of_a_killed_writer_and_not_that_of_a_living_one(string claim)
    {
        using var directory = new TemporaryDirectory();
        using var dying = ChildProcess.Start("claim", directory.Path, claim);
        Assert.Equal("claimed", await dying.ReadLineAsync());
        using var appending = ChildProcess.Start("append", directory.Path, "0", "Os", "100");
        for (var i = 0; i < 10; i++)
            await appending.ReadLineAsync();
        using var journal = Journal.Open(directory.Path, Reading);
        Assert.Empty(Payload.ReadAll(journal));
        await appending.KillAsync();
        Assert.Empty(Payload.ReadAll(journal));
        await dying.KillAsync();
        var before = DirectoryState.Of(directory.Path);
        Assert.Equal(Enumerable.Range(0, 10), Payload.ReadAll(journal).Take(10));
        Assert.Equal(before, DirectoryState.Of(directory.Path));
        using (var writing = Journal.Open(directory.Path))
            Assert.Equal(Payload.ReadAll(writing), Payload.ReadAll(journal));
    }

    /// <summary>A writer may publish between the reader's look at a place and the judgement of it.</summary>
    [Fact]
    public void What_is_published_while_it_is_judged_is_no_damage()
    {
        using var directory = new TemporaryDirectory();
        using var writing = Journal.Open(directory.Path, Quiet);
        using var writer = writing.CreateWriter();
        var position = writer.Append(Payload.Of(0)).FilePosition;
        using var journal = Journal.Open(directory.Path, Reading);
        var segment = journal.State.Segments.Open(1);
        Assert.Equal(UnattendedPlace.End, journal.State.Unattended!.Judge(segment, position, word: 0, 0, out _));
        segment.Release();
    }

    [Theory]
    [InlineData("told", 10)]
    [InlineData("not told", 10)]
    [InlineData("told", 3000)]
    [InlineData("batch", 10)]
    public async Task It_passes_the_hole_of_a_killed_writer_backward_like_forward(string claim, int records)
    {
        using var directory = new TemporaryDirectory();
        using var dying = ChildProcess.Start("claim", directory.Path, claim);
        Assert.Equal("claimed", await dying.ReadLineAsync());
        using var appending = ChildProcess.Start("append", directory.Path, "0", "Os", "100");
        for (var i = 0; i < records; i++)
            await appending.ReadLineAsync();
        await appending.KillAsync();
        await dying.KillAsync();
        using var journal = Journal.Open(directory.Path, Reading);
        var forward = Payload.ReadAll(journal);
        Assert.Equal(forward.Count, journal.Count());
        using var reader = journal.CreateReader(JournalStart.End);
        var backward = new List<int>();
        while (reader.TryReadBackward(out var record))
            backward.Add(BitConverter.ToInt32(record.Payload));
        backward.Reverse();
        Assert.Equal(forward, backward);
        using var writing = Journal.Open(directory.Path);
        Assert.Equal(Payload.ReadAll(writing), forward);
    }

    /// <summary>What a writer that only sleeps has not published is no damage to who reads from the end.</summary>
    [Theory]
    [InlineData("told", JournalAccess.ReadOnly)]
    [InlineData("not told", JournalAccess.ReadOnly)]
    [InlineData("batch", JournalAccess.ReadOnly)]
    [InlineData("told", JournalAccess.Shared)]
    [InlineData("batch", JournalAccess.Shared)]
    public async Task A_claim_of_a_living_writer_is_passed_backward(string claim, JournalAccess access)
    {
        const int Count = 3000;
        using var directory = new TemporaryDirectory();
        using (var writing = Journal.Open(directory.Path, new JournalOptions { FirstSegmentLength = 2 << 20 }))
        using (var writer = writing.CreateWriter())
            writer.Append(Payload.Of(0));
        using var sleeping = ChildProcess.Start("claim", directory.Path, claim);
        Assert.Equal("claimed", await sleeping.ReadLineAsync());
        using var appending = ChildProcess.Start("append", directory.Path, "1", "Os", "100");
        for (var i = 1; i < Count; i++)
            await appending.ReadLineAsync();
        await appending.KillAsync();
        using var journal = Journal.Open(directory.Path, new JournalOptions { Access = access });
        using var reader = journal.CreateReader(JournalStart.End);
        var backward = new List<int>();
        while (reader.TryReadBackward(out var record))
            backward.Add(BitConverter.ToInt32(record.Payload));
        backward.Reverse();
        Assert.Equal(Enumerable.Range(0, backward.Count), backward);
        Assert.True(backward.Count >= Count);
    }

    [Fact]
    public void It_sleeps_at_a_torn_tail_and_does_not_look_again_and_again()
    {
        using var original = new TemporaryDirectory();
        using var live = Journal.Open(original.Path, Quiet);
        using var liveWriter = live.CreateWriter();
        liveWriter.Append(Payload.Of(0));
        var torn = liveWriter.Append(Payload.Of(1));
        using var copy = DirectoryState.Copy(original.Path);
        DirectoryState.Overwrite(copy.Segments[0], torn.FilePosition + 40, [1, 2, 3, 4, 5]);
        using var journal = Journal.Open(copy.Path, Reading);
        using var reader = journal.CreateReader();
        Assert.True(reader.TryRead(out _));
        Assert.False(reader.TryRead(out _));
        Assert.False(reader.FindWaitTarget().IsPublished);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void It_ends_at_a_torn_tail_and_goes_on_once_the_journal_has_been_recovered(bool withControlFile)
    {
        using var original = new TemporaryDirectory();
        using var live = Journal.Open(original.Path, Quiet);
        using var liveWriter = live.CreateWriter();
        var positions = Enumerable.Range(0, 10).Select(i => liveWriter.Append(Payload.Of(i))).ToList();
        using var copy = DirectoryState.Copy(original.Path);
        DirectoryState.Overwrite(copy.Segments[0], positions[6].FilePosition + 40, [1, 2, 3, 4, 5]);
        if (!withControlFile)
            File.Delete(Path.Combine(copy.Path, "journal.control"));
        var before = DirectoryState.Of(copy.Path);
        using var journal = Journal.Open(copy.Path, Reading);
        using var reader = journal.CreateReader();
        for (var i = 0; i < 6; i++)
            Assert.True(reader.TryRead(out _));
        Assert.False(reader.TryRead(out _));
        Assert.False(reader.TryRead(out _));
        Assert.Equal(before, DirectoryState.Of(copy.Path));

        using var writing = Journal.Open(copy.Path, Quiet);
        using var writer = writing.CreateWriter();
        writer.Append(Payload.Of(6));
        Assert.True(reader.TryRead(out var record));
        Assert.Equal(6, record.Sequence);
    }

    [Fact]
    public async Task It_reports_damage_of_what_was_durable()
    {
        using var directory = new TemporaryDirectory();
        JournalPosition position;
        using (var writing = Journal.Open(directory.Path, Quiet))
        using (var writer = writing.CreateWriter())
        {
            await writer.AppendAsync(Payload.Of(0));
            position = await writer.AppendAsync(Payload.Of(1));
            await writer.AppendAsync(Payload.Of(2));
        }

        DirectoryState.Overwrite(directory.Segments[0], position.FilePosition, new byte[64]);
        File.Delete(Path.Combine(directory.Path, "journal.control"));
        using var journal = Journal.Open(directory.Path, Reading);
        using var reader = journal.CreateReader();
        Assert.True(reader.TryRead(out _));
        var failure = Assert.Throws<JournalException>(() => reader.TryRead(out _));
        Assert.Equal(JournalErrorCode.Corrupt, failure.Code);
        Assert.Equal(position.FilePosition, failure.FilePosition);
    }

    /// <summary>What was confirmed is told by the control file when the marks are gone, too, and is no hole when more follows.</summary>
    [Theory]
    [InlineData(0, false)]
    [InlineData(0, true)]
    [InlineData(24, true)]
    public void It_reports_zeros_where_something_was_durable_and_takes_them_for_no_hole_and_no_end(int from, bool toTheEnd)
    {
        using var directory = new TemporaryDirectory();
        JournalPosition position;
        using (var writing = Journal.Open(directory.Path, Quiet))
        using (var writer = writing.CreateWriter())
        {
            writer.Append(Payload.Of(0));
            position = writer.Append(Payload.Of(1));
            writer.Append(Payload.Of(2));
        }

        var at = position.FilePosition + from;
        var length = toTheEnd ? new FileInfo(directory.Segments[0]).Length - at : 64;
        DirectoryState.Overwrite(directory.Segments[0], at, new byte[length]);
        using var journal = Journal.Open(directory.Path, Reading);
        using var reader = journal.CreateReader();
        Assert.True(reader.TryRead(out _));
        var failure = Assert.Throws<JournalException>(() => reader.TryRead(out _));
        Assert.Equal((JournalErrorCode.Corrupt, position.FilePosition), (failure.Code, failure.FilePosition));
        Assert.Throws<JournalException>(() => journal.LastSequence);
    }
}
