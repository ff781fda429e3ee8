using Comet.Journals.Control;
using Comet.Journals.Retention;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Retention;

public sealed class TruncationTests
{
    private const int Count = 400;

    private static readonly JournalOptions SmallSegments = new() { FirstSegmentLength = 16 * 1024, MaxSegmentLength = 16 * 1024 };

    [Fact]
    public void Whole_segments_go_and_nothing_that_is_to_stay()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Filled(directory);
        var segments = directory.Segments.Length;
        Assert.Equal(0, journal.TruncateBefore(1));
        var removed = journal.TruncateBefore(Count / 2);
        Assert.InRange(removed, 1, segments - 1);
        Assert.Equal(segments - removed, directory.Segments.Length);
        Assert.InRange(journal.FirstSequence, 1, Count / 2);
        Assert.Equal(Count - 1, journal.LastSequence);
        using var reader = journal.CreateReader();
        Assert.Equal(JournalSeekResult.BeforeFirst, reader.Seek(JournalStart.AtSequence(0)));
        Assert.Equal(JournalSeekResult.BeforeFirst, reader.Seek(JournalStart.AtTime(DateTimeOffset.UnixEpoch)));
        for (var sequence = journal.FirstSequence; sequence < Count; sequence++)
        {
            Assert.True(reader.TryRead(out var record));
            Assert.Equal(sequence, record.Sequence);
        }

        while (reader.TryReadBackward(out var record))
            Assert.InRange(record.Sequence, journal.FirstSequence, Count);
        Assert.Equal(directory.Segments.Length - 1, journal.TruncateBefore(long.MaxValue));
        Assert.Single(directory.Segments);
    }

    [Fact]
    public async Task What_was_removed_before_it_was_durable_holds_up_no_flush()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, SmallSegments with { FlushInterval = TimeSpan.FromMinutes(10) });
        using var writer = journal.CreateWriter();
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < Count; i++)
                writer.Append(new byte[500]);
            Assert.True(journal.TruncateBefore(long.MaxValue) > 1);
            await writer.AppendAsync(new byte[500]);
            await journal.FlushAsync();
        }
    }

    [Fact]
    public void A_reader_in_the_middle_reads_on_and_one_before_it_goes_on_with_what_is_kept()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Filled(directory);
        using var other = Journal.Open(directory.Path, SmallSegments);
        using var middle = other.CreateReader();
        Assert.True(middle.TryRead(out var first));
        var segment = first.Position.Segment;
        journal.TruncateBefore(Count / 2);
        var expected = 1L;
        while (middle.TryRead(out var record))
        {
            if (record.Position.Segment != segment && expected < journal.FirstSequence)
                expected = journal.FirstSequence;
            Assert.Equal(expected++, record.Sequence);
        }

        Assert.Equal(Count, expected);
        using var late = other.CreateReader();
        Assert.True(late.TryRead(out var kept));
        Assert.Equal(journal.FirstSequence, kept.Sequence);
    }

    [Fact]
    public void What_a_named_reader_still_needs_stays_unless_it_is_told_otherwise()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Filled(directory);
        using (var named = journal.OpenReader("slow", JournalStart.AtSequence(100)))
        {
            journal.TruncateBefore(Count);
            Assert.InRange(journal.FirstSequence, 1, 100);
            Assert.True(named.Reader.TryRead(out var record));
            Assert.Equal(100, record.Sequence);
        }

        Assert.True(journal.TruncateBefore(Count, ignoreNamedReaders: true) > 0);
        Assert.True(journal.FirstSequence > 101);
        using var again = journal.OpenReader("slow");
        Assert.True(again.Reader.TryRead(out var next));
        Assert.Equal(journal.FirstSequence, next.Sequence);
    }

    /// <summary>The names of deleted files may come back after a power cut, in any selection: what is first was durable before.</summary>
    [Fact]
    public void Segments_that_come_back_stay_gone_and_are_deleted_the_next_time()
    {
        using var directory = new TemporaryDirectory();
        long firstSequence;
        using (var journal = Filled(directory))
        {
            var copy = Path.Combine(directory.Path, "kept");
            var path = directory.Segments[0];
            File.Copy(path, copy);
            journal.TruncateBefore(Count / 2);
            firstSequence = journal.FirstSequence;
            File.Move(copy, path);
            Assert.Equal(firstSequence, journal.FirstSequence);
        }

        using var opened = Journal.Open(directory.Path, SmallSegments);
        Assert.Equal(firstSequence, opened.FirstSequence);
        var before = directory.Segments.Length;
        var removed = opened.TruncateBefore(firstSequence + 100);
        Assert.Equal(before - removed - 1, directory.Segments.Length);
    }

    [Fact]
    public void What_is_first_is_durable_before_anything_is_deleted_the_oldest_first_and_the_names_are_gone_durably()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var journal = Filled(directory, files);
        foreach (var (before, mark) in new[] { (Count / 3, ".tmp"), (2 * Count / 3, FirstSegmentMark.Name) })
        {
            var names = directory.Segments.Select(path => Path.GetFileName(path)).ToArray();
            var seen = files.Events.Count;
            var removed = journal.TruncateBefore(before);
            Assert.True(removed > 1);
            var events = files.Events.Skip(seen).Where(each => !each.EndsWith(".journal", StringComparison.Ordinal)
                || each.StartsWith("delete", StringComparison.Ordinal)).ToList();
            var deletions = names[..removed].Select(name => $"delete {name}").ToList();
            Assert.Equal(deletions, events.Where(each => each.StartsWith("delete", StringComparison.Ordinal)));
            var first = events.IndexOf(deletions[0]);
            // A file that was there is flushed when it is opened, too, so that there is a copy to be kept.
            Assert.Equal(mark == ".tmp" ? 1 : 2, events[..first].Count(each =>
                each.StartsWith($"flush {FirstSegmentMark.Name}", StringComparison.Ordinal)
                && each.EndsWith(mark, StringComparison.Ordinal)));
            if (mark == ".tmp")
                Assert.Equal("directory", events[first - 1]);
            Assert.Equal("directory", events[^1]);
        }
    }

    private static Journal Filled(TemporaryDirectory directory, TracedFileSystem? files = null)
    {
        var journal = Journal.Open(files?.Environment ?? JournalEnvironment.Default, directory.Path, SmallSegments);
        using var writer = journal.CreateWriter();
        for (var i = 0; i < Count; i++)
            writer.Append(new byte[500]);
        return journal;
    }
}
