using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Verification;

public sealed class RepairTests
{
    [Fact]
    public void A_journal_without_damage_is_left_as_it_is()
    {
        using var original = new DamagedJournal();
        using var directory = original.Copy();
        var before = DirectoryState.Of(directory.Path);
        var repair = Journal.Repair(directory.Path);
        Assert.Empty(repair.Damages);
        Assert.Empty(repair.Changes);
        Assert.Equal(before, DirectoryState.Of(directory.Path));
        Assert.Equal(Enumerable.Range(0, DamagedJournal.Count), DamagedJournal.Read(directory.Path));
    }

    [Fact]
    public void It_refuses_while_somebody_has_the_journal_open()
    {
        using var original = new DamagedJournal();
        using var directory = original.Copy();
        using var journal = Journal.Open(directory.Path);
        foreach (var dryRun in new[] { false, true })
        {
            Assert.Equal(JournalErrorCode.InUse,
                Assert.Throws<JournalException>(() => Journal.Repair(directory.Path, dryRun)).Code);
        }
    }

    [Fact]
    public void Where_there_is_no_journal_nothing_is_made()
    {
        using var directory = new TemporaryDirectory();
        Assert.Equal(JournalErrorCode.NotFound, Assert.Throws<JournalException>(() => Journal.Repair(directory.Path)).Code);
        Assert.Equal(JournalErrorCode.NotFound, Assert.Throws<JournalException>(() => Journal.Verify(directory.Path)).Code);
        Assert.Empty(Directory.GetFileSystemEntries(directory.Path));
    }

    [Fact]
    public void Only_the_damaged_records_are_lost_and_the_damaged_file_is_kept_aside()
    {
        using var original = new DamagedJournal();
        using var directory = original.Copy();
        int[] hit = [3, 4, 17, DamagedJournal.Count - 2];
        foreach (var number in hit)
        {
            var position = original.Positions[number];
            DamagedJournal.Flip(directory.Segments[position.Segment - 1], position.FilePosition + 24 + number);
        }

        var damaged = File.ReadAllBytes(directory.Segments[original.Positions[17].Segment - 1]);
        var dry = Journal.Repair(directory.Path, dryRun: true);
        var repair = Journal.Repair(directory.Path);
        Assert.Equal(dry.Changes, repair.Changes);
        Assert.Empty(dry.Remaining);
        Assert.Empty(repair.Remaining);
        Assert.Equal([(3L, 5L), (17L, 18L), (58L, 59L)],
            repair.Damages.Select(static each => (each.FirstSequence!.Value, each.EndSequence!.Value)));
        Assert.Equal(repair.KeptAside, Directory.GetFiles(directory.Path, "damaged-*").Order(StringComparer.Ordinal));
        Assert.Contains(repair.KeptAside, path => File.ReadAllBytes(path).AsSpan().SequenceEqual(damaged));

        Assert.Empty(Journal.Verify(directory.Path).Damages);
        AssertGoesOn(directory.Path, Enumerable.Range(0, DamagedJournal.Count).Except(hit));
        AssertPlacesAreWhatTheyWere(directory.Path, original, hit);
    }

    /// <summary>A damaged encrypted segment is not written again, which would be in the clear.</summary>
    [Fact]
    public async Task What_a_repair_cannot_mend_is_told_by_a_dry_run_as_well()
    {
        var keys = Keys.Ring("k");
        using var directory = await PackedJournal.CreateAsync(new() { Encrypt = true }, keys);
        DamagedJournal.Flip(PackedJournal.Packed(directory.Path)[0], 3000);
        var dry = Journal.Repair(directory.Path, dryRun: true, keys);
        Assert.NotEmpty(dry.Remaining);
        Assert.Equal(Journal.Repair(directory.Path, dryRun: false, keys).Remaining, dry.Remaining);
    }

    [Fact]
    public void A_dry_run_changes_nothing()
    {
        using var original = new DamagedJournal();
        using var directory = original.Copy();
        DamagedJournal.Flip(directory.Segments[0], original.Positions[2].FilePosition + 30);
        File.Delete(Path.Combine(directory.Path, "journal.control"));
        var before = DirectoryState.Of(directory.Path);
        var repair = Journal.Repair(directory.Path, dryRun: true);
        Assert.NotEmpty(repair.Changes);
        Assert.Empty(repair.KeptAside);
        Assert.Equal(before, DirectoryState.Of(directory.Path));
        Assert.False(File.Exists(Path.Combine(directory.Path, "journal.control")));
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("first sector")]
    [InlineData("second sector")]
    [InlineData("cut")]
    [InlineData("end mark")]
    public void What_other_segments_hold_is_kept_whatever_happened_to_one(string what)
    {
        using var original = new DamagedJournal();
        foreach (var last in new[] { false, true })
        {
            using var directory = original.Copy();
            var segment = last ? directory.Segments.Length : 2;
            var file = directory.Segments[segment - 1];
            var inside = original.Positions.Index().Where(each => each.Item.Segment == segment).ToList();
            IEnumerable<int> lost = inside.Select(static each => each.Index);
            switch (what)
            {
                case "missing":
                    File.Delete(file);
                    if (last)
                        continue;
                    break;
                case "first sector":
                    DamagedJournal.Flip(file, 100);
                    break;
                case "second sector":
                    DamagedJournal.Flip(file, 600);
                    lost = [];
                    break;
                case "cut":
                    DamagedJournal.Truncate(file, inside[2].Item.FilePosition + 11);
                    lost = inside[2..].Select(static each => each.Index);
                    break;
                default:
                    if (last)
                        continue;
                    DirectoryState.Overwrite(file, inside[^1].Item.FilePosition + 24 + 904, new byte[512]);
                    lost = [];
                    break;
            }

            var repair = Journal.Repair(directory.Path);
            Assert.NotEmpty(repair.Damages);
            Assert.Empty(repair.Remaining);
            AssertGoesOn(directory.Path, Enumerable.Range(0, DamagedJournal.Count).Except(lost));
        }
    }

    [Fact]
    public void Metadata_and_places_are_made_anew_from_what_is_there()
    {
        using var original = new DamagedJournal();
        using var directory = original.Copy();
        using (var journal = Journal.Open(directory.Path))
        {
            journal.OpenReader("billing").Dispose();
            Assert.True(journal.TruncateBefore(30, ignoreNamedReaders: true) > 0);
        }

        var kept = DamagedJournal.Read(directory.Path);
        foreach (var name in new[] { "journal.meta", "journal.first", "billing.reader" })
            DamagedJournal.Truncate(Path.Combine(directory.Path, name), 100);
        var repair = Journal.Repair(directory.Path);
        Assert.Empty(repair.Remaining);
        AssertGoesOn(directory.Path, kept);
    }

    /// <summary>What killed writers of this boot left open is behind the repair as it is without.</summary>
    [Fact]
    public async Task Records_that_no_disk_has_yet_are_kept_with_the_holes_of_killed_writers_between_them()
    {
        using var directory = new TemporaryDirectory();
        using (var child = Processes.ChildProcess.Start("append", directory.Path, "0", "Os", "100"))
        {
            while (int.Parse((await child.ReadLineAsync())!, System.Globalization.CultureInfo.InvariantCulture) < 200)
            {
                // Until there are some.
            }

            using var claims = Processes.ChildProcess.Start("claim", directory.Path, "told");
            Assert.Equal("claimed", await claims.ReadLineAsync());
            await claims.KillAsync();
            await child.ReadLineAsync();
            await child.KillAsync();
        }

        var expected = Journal.Verify(directory.Path).Records;
        DamagedJournal.Flip(directory.Segments[0], 4096 + 60);
        var repair = Journal.Repair(directory.Path);
        Assert.Empty(repair.Remaining);
        Assert.Equal((0, 1), (repair.Damages[0].FirstSequence, repair.Damages[0].EndSequence));
        Assert.Equal(Enumerable.Range(1, (int)expected - 1), DamagedJournal.Read(directory.Path));
    }

    private static void AssertGoesOn(string directory, IEnumerable<int> expected)
    {
        var numbers = expected.ToList();
        Assert.Equal(numbers, DamagedJournal.Read(directory));

        // After a restart too, when all of it is scanned, and there is a next sequence that was never given out.
        File.Delete(Path.Combine(directory, "journal.control"));
        using var journal = Journal.Open(directory, DamagedJournal.Options);
        using var writer = journal.CreateWriter();
        Assert.True(writer.Append(Payload.Of(1000)).Sequence >= numbers.Count);
        Assert.Equal([.. numbers, 1000], Payload.ReadAll(journal));
    }

    private static void AssertPlacesAreWhatTheyWere(string directory, DamagedJournal original, int[] lost)
    {
        using var journal = Journal.Open(directory, DamagedJournal.Options);
        using var reader = journal.CreateReader();
        foreach (var (number, position) in original.Positions.Index().Where(each => !lost.Contains(each.Index)))
        {
            Assert.True(reader.TryRead(out var record));
            Assert.Equal(position, record.Position);
            Assert.Equal(number, BitConverter.ToInt32(record.Payload));
        }
    }
}
