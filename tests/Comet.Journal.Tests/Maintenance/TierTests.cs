using Comet.Journals.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Journals.Tests.Maintenance;

public sealed class TierTests
{
    [Fact]
    public async Task Segments_move_on_as_they_grow_older_and_everybody_finds_them()
    {
        using var directory = new TemporaryDirectory();
        using var cold = OnAnotherDisk();
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        using var journal = Journal.Open(directory.Path, PackedJournal.Options with { TimeProvider = time });
        await PackedJournal.FillAsync(journal);
        var work = new JournalMaintenance
        {
            Cool = new JournalTier("cool", TimeSpan.FromDays(1)),
            Cold = new JournalTier(cold.Path, TimeSpan.FromDays(30))
        };
        var sealedSegments = PackedJournal.Hot(directory.Path).Length - 1;
        Assert.Equal((0, 0), (journal.RunMaintenance(work).Moved, journal.RunMaintenance(work).Packed));
        time.Advance(TimeSpan.FromDays(2));
        // What is read from a tier is not mapped, so it is packed even where nothing is compressed.
        Assert.Equal(sealedSegments, journal.RunMaintenance(work).Moved);
        Assert.Equal(sealedSegments, PackedJournal.Packed(Path.Combine(directory.Path, "cool")).Length);
        AssertWhole(directory.Path);
        time.Advance(TimeSpan.FromDays(30));
        Assert.Equal(sealedSegments, journal.RunMaintenance(work).Moved);
        Assert.Equal(sealedSegments, PackedJournal.Packed(cold.Path).Length);
        Assert.Equal(0, journal.RunMaintenance(work).Moved);
        AssertWhole(directory.Path);
        PackedJournal.AssertTidy(directory.Path, Path.Combine(directory.Path, "cool"), cold.Path);

        var removed = journal.TruncateBefore(PackedJournal.Count / 2);
        Assert.True(removed > 0);
        Assert.Equal(sealedSegments - removed, PackedJournal.Packed(cold.Path).Length);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task When_a_folder_is_away_nothing_is_passed_over_in_silence_and_appends_go_on(bool emptyOneInItsPlace)
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, PackedJournal.Options);
        await PackedJournal.FillAsync(journal);
        var folder = Path.Combine(directory.Path, "cool");
        Assert.Empty(journal.RunMaintenance(new JournalMaintenance { Cool = new JournalTier("cool", TimeSpan.Zero) }).Failures);
        Directory.Move(folder, folder + ".away");
        if (emptyOneInItsPlace)
            Directory.CreateDirectory(folder);
        foreach (var access in new[] { JournalAccess.Shared, JournalAccess.ReadOnly })
        {
            using var other = Journal.Open(directory.Path, PackedJournal.Options with { Access = access });
            using var reader = other.CreateReader(JournalStart.End);
            var failure = Assert.Throws<JournalException>(() =>
            {
                while (reader.TryReadBackward(out _))
                {
                    // Down to what is away.
                }
            });
            Assert.Equal((JournalErrorCode.StorageError, folder), (failure.Code, failure.File));
            Assert.Throws<JournalException>(() => other.CreateReader().TryRead(out _));
            Assert.Throws<JournalException>(() => reader.Seek(JournalStart.AtSequence(1)));
        }

        await PackedJournal.FillAsync(journal, PackedJournal.Count);
        // Neither does retention take what it does not see for nothing.
        Assert.NotEmpty(journal.RunMaintenance(new JournalMaintenance { RetainBytes = 1 }).Failures);
        // And nothing is written where the disk is not.
        Assert.NotEmpty(journal.RunMaintenance(new JournalMaintenance { Cool = new JournalTier("cool", TimeSpan.Zero) }).Failures);
        if (emptyOneInItsPlace)
            Directory.Delete(folder);
        Directory.Move(folder + ".away", folder);
        Assert.Equal(Enumerable.Range(0, 2 * PackedJournal.Count), Payload.ReadAll(journal));
    }

    [Fact]
    public async Task A_folder_with_segments_of_another_journal_is_refused_and_nothing_goes_there()
    {
        using var directory = new TemporaryDirectory();
        using var other = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, PackedJournal.Options);
        using var foreign = Journal.Open(other.Path, PackedJournal.Options);
        await PackedJournal.FillAsync(journal);
        await PackedJournal.FillAsync(foreign);
        var tier = Path.Combine(other.Path, "cool");
        Assert.Empty(foreign.RunMaintenance(new JournalMaintenance { Cool = new JournalTier(tier, TimeSpan.Zero) }).Failures);
        foreign.TruncateBefore(long.MaxValue);
        Assert.Empty(PackedJournal.Packed(tier));
        foreach (var folder in new[] { other.Path, directory.Path, tier })
        {
            var result = journal.RunMaintenance(new JournalMaintenance { Cool = new JournalTier(folder, TimeSpan.Zero) });
            Assert.Equal(folder, Assert.IsType<JournalException>(Assert.Single(result.Failures)).File);
            Assert.Equal((0, 0), (result.Moved, result.Packed));
        }

        Assert.Single(PackedJournal.Hot(other.Path));
    }

    [Fact]
    public async Task A_journal_can_be_moved_with_the_tiers_that_are_in_it()
    {
        using var directory = new TemporaryDirectory();
        using (var journal = Journal.Open(directory.Path, PackedJournal.Options))
        {
            await PackedJournal.FillAsync(journal);
            Assert.Empty(journal.RunMaintenance(new JournalMaintenance { Cool = new JournalTier("cool", TimeSpan.Zero) }).Failures);
        }

        using var copy = DirectoryState.CopyTree(directory.Path);
        Directory.Delete(Path.Combine(directory.Path, "cool"), recursive: true);
        AssertWhole(copy.Path);
    }

    private static void AssertWhole(string directory)
    {
        using var reading = Journal.Open(directory, new JournalOptions { Access = JournalAccess.ReadOnly });
        Assert.Equal(Enumerable.Range(0, PackedJournal.Count), Payload.ReadAll(reading));
    }

    private static TemporaryDirectory OnAnotherDisk() =>
        Directory.Exists("/dev/shm") ? new TemporaryDirectory("/dev/shm") : new TemporaryDirectory();
}
