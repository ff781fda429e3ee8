using Comet.Journals.Segments;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Reading;

/// <summary>Mappings that readers have left stay for the next reader, within a limit, and not longer than their files.</summary>
public sealed class RestingSegmentsTests
{
    private static readonly JournalOptions Small = new() { FirstSegmentLength = 16 * 1024, MaxSegmentLength = 16 * 1024 };

    [Fact]
    public void What_is_removed_is_let_go_of_and_what_is_kept_is_read_again()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Small);
        using (var writer = journal.CreateWriter())
        {
            for (var i = 0; i < 100; i++)
                writer.Append(Payload.Of(i, 1000));
        }

        var oldest = directory.Segments[0];
        for (var i = 0; i < 2; i++)
            Assert.Equal(Enumerable.Range(0, 100), Payload.ReadAll(journal));
        Assert.True(IsMapped(oldest));
        Assert.True(journal.TruncateBefore(50) > 0);
        Assert.False(IsMapped(oldest));
        Assert.Equal(99, Payload.ReadAll(journal)[^1]);
    }

    [Fact]
    public void What_a_reader_was_in_when_it_was_removed_is_let_go_of_with_the_reader()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Small);
        using (var writer = journal.CreateWriter())
        {
            for (var i = 0; i < 100; i++)
                writer.Append(Payload.Of(i, 1000));
        }

        var oldest = directory.Segments[0];
        using var reader = journal.CreateReader();
        Assert.True(reader.TryRead(out _));
        Assert.True(journal.TruncateBefore(50) > 0);
        Assert.True(IsMapped(oldest));
        reader.Seek(JournalStart.AtSequence(90));
        Assert.False(IsMapped(oldest));
    }

    [Fact]
    public void No_more_than_the_limit_rests()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Small);
        using var writer = journal.CreateWriter();
        writer.Append(Payload.Of(0, 1000));
        using var resting = new RestingSegments();
        var count = (int)(RestingSegments.MaxBytes / Small.MaxSegmentLength) + 1;
        Assert.True(count > 1);
        var files = new FileSystem.LinuxFileSystem();
        var segments = Enumerable.Range(0, count).Select(_ => MappedSegment.Open(files, directory.Segments[0], writable: false)).ToList();
        foreach (var segment in segments)
            resting.Add(segment);
        Assert.False(segments[0].IsInUse);
        Assert.All(segments.Skip(1), static segment => Assert.True(segment.IsInUse));
        resting.Clear();
        Assert.DoesNotContain(segments, static segment => segment.IsInUse);
    }

    private static bool IsMapped(string path) =>
        File.ReadLines("/proc/self/maps").Any(line => line.Contains(Path.GetFileName(path), StringComparison.Ordinal)
            && line.Contains(Path.GetDirectoryName(path)!, StringComparison.Ordinal));
}
