using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Maintenance;

public sealed class RecoveryTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20)]
    public async Task After_a_restart_of_the_machine_the_journal_goes_on_behind_packed_segments(int more)
    {
        using var directory = await PackedJournal.CreateAsync(PackedJournal.Lz4);
        using (var journal = Journal.Open(directory.Path, PackedJournal.Options))
            await PackedJournal.FillAsync(journal, PackedJournal.Count, more);
        File.Delete(Path.Combine(directory.Path, "journal.control"));
        using (var reading = Journal.Open(directory.Path, PackedJournal.Options with { Access = JournalAccess.ReadOnly }))
            Assert.Equal(Enumerable.Range(0, PackedJournal.Count + more), Payload.ReadAll(reading));
        using var again = Journal.Open(directory.Path, PackedJournal.Options);
        Assert.Equal(Enumerable.Range(0, PackedJournal.Count + more), Payload.ReadAll(again));
        await PackedJournal.FillAsync(again, PackedJournal.Count + more, 10);
        Assert.Equal(Enumerable.Range(0, PackedJournal.Count + more + 10), Payload.ReadAll(again));
    }

    [Fact]
    public async Task A_torn_tail_behind_packed_segments_is_cut()
    {
        using var directory = await PackedJournal.CreateAsync(PackedJournal.Lz4);
        using var live = Journal.Open(directory.Path, PackedJournal.Options with
        {
            FlushInterval = TimeSpan.FromMinutes(10),
            FlushLength = 1 << 30
        });
        JournalPosition torn;
        using (var writer = live.CreateWriter())
        {
            writer.Append(Payload.Of(PackedJournal.Count, 1000));
            torn = writer.Append(Payload.Of(PackedJournal.Count + 1, 1000));
        }

        using var copy = DirectoryState.Copy(directory.Path);
        DirectoryState.Overwrite(copy.Segments[^1], torn.FilePosition + 40, [1, 2, 3, 4, 5, 6, 7]);
        File.Delete(Path.Combine(copy.Path, "journal.control"));
        using var journal = Journal.Open(copy.Path, PackedJournal.Options);
        Assert.Equal(Enumerable.Range(0, PackedJournal.Count + 1), Payload.ReadAll(journal));
    }

    [Fact]
    public async Task When_the_segment_behind_packed_ones_is_missing_nothing_is_begun_in_its_place()
    {
        using var directory = await PackedJournal.CreateAsync(PackedJournal.Lz4);
        File.Delete(PackedJournal.Hot(directory.Path)[^1]);
        var before = DirectoryState.Of(directory.Path);
        Assert.Equal(JournalErrorCode.Corrupt,
            Assert.Throws<JournalException>(() => Journal.Open(directory.Path, PackedJournal.Options)).Code);
        Assert.Equal(before, DirectoryState.Of(directory.Path));
    }

    [Fact]
    public async Task When_the_header_behind_packed_ones_is_damaged_that_file_is_named()
    {
        using var directory = await PackedJournal.CreateAsync(PackedJournal.Lz4);
        var hot = PackedJournal.Hot(directory.Path)[^1];
        DirectoryState.Overwrite(hot, 600, [1, 2, 3, 4]);
        File.Delete(Path.Combine(directory.Path, "journal.control"));
        var failure = Assert.Throws<JournalException>(() => Journal.Open(directory.Path, PackedJournal.Options));
        Assert.Equal((JournalErrorCode.Corrupt, hot), (failure.Code, failure.File));
    }
}
