using System.Globalization;
using Comet.Journals.Tests.Processes;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Copying;

public sealed class JournalCopyTests : IDisposable
{
    private const int Writers = 3;

    private readonly TemporaryDirectory _directory = new();
    private readonly TemporaryDirectory _elsewhere = new();

    private string Target => Path.Combine(_elsewhere.Path, "copy");

    public void Dispose()
    {
        _directory.Dispose();
        _elsewhere.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_copy_has_all_that_was_there_whatever_its_form_and_is_written_on(bool links)
    {
        var keys = Keys.Ring("k");
        var options = PackedJournal.Options with { Keys = keys };
        using (var journal = Journal.Open(_directory.Path, options))
        {
            await PackedJournal.FillAsync(journal);
            Assert.Empty(journal.RunMaintenance(new()
            {
                Compression = JournalCodec.Lz4, Encrypt = true, Cold = new(Path.Combine(_elsewhere.Path, "cold"), TimeSpan.Zero),
            }).Failures);
            await PackedJournal.FillAsync(journal, PackedJournal.Count);
            Assert.True(journal.TruncateBefore(150) > 0);
            using (var reader = journal.OpenReader("named", JournalStart.AtSequence(400)))
                reader.Commit();

            var copy = Journal.Copy(_directory.Path, Target, links);
            Assert.Equal(journal.LastSequence, copy.LastSequence);
            Assert.Equal(links && OperatingSystem.IsLinux(), copy.Files.Any(static file => file.IsLinked));
            Assert.All(copy.Files, file => Assert.Equal(file.Length, new FileInfo(Path.Combine(Target, file.Name)).Length));
            Assert.Equal(copy.Files.Select(static file => file.Name).Order(StringComparer.Ordinal),
                Directory.EnumerateFiles(Target).Select(Path.GetFileName).Order(StringComparer.Ordinal));

            // What becomes of the journal is nothing to the copy.
            await PackedJournal.FillAsync(journal, 2 * PackedJournal.Count, 10);
            Assert.Empty(journal.RunMaintenance(PackedJournal.Lz4).Failures);
        }

        var first = ReadFirst(_directory.Path, keys);
        using var opened = Journal.Open(Target, options);
        Assert.Equal(Enumerable.Range(first, (2 * PackedJournal.Count) - first), Payload.ReadAll(opened));
        Assert.Equal(400, Assert.Single(opened.GetReaders()).NextSequence);
        await PackedJournal.FillAsync(opened, 7000, 20);
        Assert.Equal(Enumerable.Range(7000, 20), Payload.ReadAll(opened).TakeLast(20));
        Assert.True(Journal.Verify(Target, keys).IsWhole);
    }

    /// <summary>Writers in other processes go on all the time: what each had confirmed before is in the copy, in order and without gaps,
    /// whatever was on its way.</summary>
    [Fact]
    public async Task What_was_confirmed_before_a_copy_is_in_it_while_writers_go_on()
    {
        const int Copies = 4;
        const int PerChild = 1_000_000;
        // Small segments, so that some are begun, packed and removed in between.
        using var journal = Journal.Open(_directory.Path, PackedJournal.Options with
        {
            MaxSegmentLength = 64 * 1024,
            Maintenance = PackedJournal.Lz4 with { Interval = TimeSpan.FromMilliseconds(10) },
        });
        var children = Enumerable.Range(0, Writers).Select(id => ChildProcess.Start("append", _directory.Path,
            (id * PerChild).ToString(CultureInfo.InvariantCulture), "Disk", "700")).ToArray();
        try
        {
            for (var copy = 0; copy < Copies; copy++)
            {
                var confirmed = new int[Writers];
                for (var id = 0; id < Writers; id++)
                {
                    for (var i = 0; i < 40; i++)
                        confirmed[id] = int.Parse((await children[id].ReadLineAsync())!, CultureInfo.InvariantCulture);
                }

                var target = Path.Combine(_elsewhere.Path, $"copy-{copy}");
                Journal.Copy(_directory.Path, target);
                Assert.True(Journal.Verify(target).IsWhole);
                using var opened = Journal.Open(target);
                var found = Payload.ReadAll(opened);
                for (var id = 0; id < Writers; id++)
                {
                    var mine = found.Where(value => value / PerChild == id).ToList();
                    Assert.Equal(Enumerable.Range(id * PerChild, mine.Count), mine);
                    Assert.True(mine.Count > 0 && mine[^1] >= confirmed[id], $"{confirmed[id]} was confirmed and is not in copy {copy}");
                }
            }
        }
        finally
        {
            foreach (var child in children)
            {
                await child.KillAsync();
                child.Dispose();
            }
        }
    }

    [Theory]
    [InlineData("told")]
    [InlineData("not told")]
    public async Task The_hole_of_a_killed_writer_does_not_end_the_copy(string claim)
    {
        using (var dying = ChildProcess.Start("claim", _directory.Path, claim))
        {
            Assert.Equal("claimed", await dying.ReadLineAsync());
            using var appending = ChildProcess.Start("append", _directory.Path, "7", "Os", "100");
            for (var i = 7; i < 20; i++)
                Assert.Equal(i.ToString(CultureInfo.InvariantCulture), await appending.ReadLineAsync());
            await dying.KillAsync();
            await appending.KillAsync();
        }

        Journal.Copy(_directory.Path, Target);
        using var opened = Journal.Open(Target);
        Assert.Equal(Enumerable.Range(7, 13), Payload.ReadAll(opened).Take(13));
    }

    [Fact]
    public async Task A_target_that_is_not_empty_and_a_source_that_is_none_are_refused()
    {
        using (var journal = Journal.Open(_directory.Path))
            await PackedJournal.FillAsync(journal, count: 1);
        Directory.CreateDirectory(Target);
        await File.WriteAllTextAsync(Path.Combine(Target, "mine"), "");
        Assert.Equal(JournalErrorCode.InUse,
            Assert.Throws<JournalException>(() => Journal.Copy(_directory.Path, Target)).Code);
        Assert.Equal(JournalErrorCode.NotFound,
            Assert.Throws<JournalException>(() => Journal.Copy(Target, Path.Combine(_elsewhere.Path, "other"))).Code);
        Assert.Equal(["mine"], Directory.EnumerateFiles(Target).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_journal_is_deleted_with_its_tiers_and_not_while_it_is_open()
    {
        var cold = Path.Combine(_elsewhere.Path, "cold");
        var directory = Path.Combine(_elsewhere.Path, "journal");
        using (var journal = Journal.Open(directory, PackedJournal.Options))
        {
            await PackedJournal.FillAsync(journal);
            Assert.Empty(journal.RunMaintenance(new() { Cool = new("cool", TimeSpan.Zero), Cold = new(cold, TimeSpan.Zero) }).Failures);
            Assert.NotEmpty(PackedJournal.Packed(cold));
            Assert.Equal(JournalErrorCode.InUse, Assert.Throws<JournalException>(() => Journal.Delete(directory)).Code);
        }

        Journal.Delete(directory);
        Assert.False(Directory.Exists(directory));
        Assert.False(Directory.Exists(cold));
        Journal.Delete(directory);
    }

    private static int ReadFirst(string directory, JournalKeyRing keys)
    {
        using var journal = Journal.Open(directory, new JournalOptions { Access = JournalAccess.ReadOnly, Keys = keys });
        return Payload.ReadAll(journal)[0];
    }
}
