using Comet.Journals.Tests.Processes;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Verification;

public sealed class VerifyTests
{
    [Fact]
    public void A_journal_without_damage_is_whole_and_counted()
    {
        using var original = new DamagedJournal();
        using var directory = original.Copy();
        var before = DirectoryState.Of(directory.Path);
        var told = new List<JournalProgress>();
        var found = Journal.Verify(directory.Path, progress: new Told(told));
        Assert.Empty(found.Damages);
        Assert.True(found.IsWhole);
        Assert.Equal((directory.Segments.Length, DamagedJournal.Count, 0), (found.Segments, found.Records, found.TornBytes));
        Assert.Equal(directory.Segments.Sum(static file => new FileInfo(file).Length), found.Bytes);
        Assert.Equal(new JournalProgress(found.Bytes, found.Bytes), told[^1]);
        Assert.Equal(before, DirectoryState.Of(directory.Path));
    }

    [Fact]
    public void Damage_of_a_record_is_named_with_its_file_its_byte_and_its_sequence()
    {
        using var original = new DamagedJournal();
        using var directory = original.Copy();
        int[] hit = [3, 4, 17, 40];
        foreach (var number in hit)
        {
            var position = original.Positions[number];
            DamagedJournal.Flip(directory.Segments[position.Segment - 1], position.FilePosition + 100);
        }

        var found = Journal.Verify(directory.Path);
        Assert.Equal([(3L, 5L), (17L, 18L), (40L, 41L)],
            found.Damages.Select(static each => (each.FirstSequence!.Value, each.EndSequence!.Value)));
        Assert.Equal(original.Positions[3].FilePosition, found.Damages[0].FilePosition);
        Assert.Equal(directory.Segments[original.Positions[3].Segment - 1], found.Damages[0].File);
        Assert.Equal(original.Positions[5].FilePosition - original.Positions[3].FilePosition, found.Damages[0].Length);
        Assert.Equal(DamagedJournal.Count - hit.Length, found.Records);
    }

    public static TheoryData<string> Losses => ["segment", "first sector", "second sector", "cut", "foreign", "renamed", "double", "meta"];

    [Theory]
    [MemberData(nameof(Losses))]
    public void Whatever_is_missing_or_not_ours_is_named(string what)
    {
        using var original = new DamagedJournal();
        using var directory = original.Copy();
        using var foreign = new DamagedJournal();
        using var other = foreign.Copy();
        var file = directory.Segments[1];
        var expected = what switch
        {
            "segment" => Do(() => File.Delete(file), file, 0),
            "first sector" => Do(() => DamagedJournal.Flip(file, 20), file, 0),
            "second sector" => Do(() => DamagedJournal.Flip(file, 530), file, 512),
            "cut" => Do(() => DamagedJournal.Truncate(file, 9000), file, 9000),
            "foreign" => Do(() => File.Copy(other.Segments[1], file, overwrite: true), file, 0),
            "renamed" => Do(() => File.Copy(directory.Segments[2], file, overwrite: true), file, 0),
            "double" => Do(() => File.Copy(file, Double(file)), Double(file), 0),
            _ => Do(() => DamagedJournal.Flip(MetaOf(directory), 20), MetaOf(directory), 0)
        };
        var found = Journal.Verify(directory.Path);
        Assert.Contains(expected, found.Damages.Select(static each => (each.File, each.FilePosition)));
        Assert.All(found.Damages, each => Assert.Equal(expected.File, each.File));
    }

    [Fact]
    public void A_reader_does_not_pass_a_missing_segment_over_in_silence()
    {
        using var original = new DamagedJournal();
        using var directory = original.Copy();
        File.Delete(directory.Segments[1]);
        using var journal = Journal.Open(directory.Path, DamagedJournal.Options);
        using var reader = journal.CreateReader();
        var read = 0;
        var missing = Assert.Throws<JournalException>(() =>
        {
            while (reader.TryRead(out _))
                read++;
        });
        Assert.Equal(JournalErrorCode.Corrupt, missing.Code);
        Assert.Contains("Segment 2 ", missing.Message, StringComparison.Ordinal);
        Assert.Equal(original.Positions.Count(static each => each.Segment == 1), read);
    }

    [Fact]
    public void Damaged_places_are_named()
    {
        using var original = new DamagedJournal();
        using var directory = original.Copy();
        using (var journal = Journal.Open(directory.Path))
        {
            using (journal.OpenReader("billing"))
                Assert.Equal(0, journal.TruncateBefore(0));
            Assert.True(journal.DeleteReader("billing"));
            journal.OpenReader("shipping").Dispose();
            Assert.True(journal.TruncateBefore(30, ignoreNamedReaders: true) > 0);
        }

        Assert.Empty(Journal.Verify(directory.Path).Damages);
        string[] files = ["journal.first", "shipping.reader"];
        foreach (var file in files)
            File.WriteAllBytes(Path.Combine(directory.Path, file), new byte[12_288]);
        Assert.Equal(files, Journal.Verify(directory.Path).Damages.Select(static each => Path.GetFileName(each.File)).Order());
    }

    [Fact]
    public void Damage_of_a_packed_segment_is_named_by_its_block()
    {
        using var original = new DamagedJournal();
        using var directory = original.Copy();
        Pack(directory.Path);
        var packed = Directory.GetFiles(directory.Path, "*.packed").Order(StringComparer.Ordinal).ToArray();
        Assert.True(packed.Length > 2);
        var found = Journal.Verify(directory.Path);
        Assert.Empty(found.Damages);
        Assert.Equal(DamagedJournal.Count, found.Records);

        DamagedJournal.Flip(packed[0], 5000);
        DamagedJournal.Flip(packed[2], 100);
        found = Journal.Verify(directory.Path);
        Assert.Equal([packed[0], packed[2]], found.Damages.Select(static each => each.File));
        Assert.Equal(1536, found.Damages[0].FilePosition);
        long[] firsts = [.. Enumerable.Range(1, 4).Select(number => original.Positions.FindIndex(each => each.Segment == number))];
        Assert.Equal([(firsts[0], firsts[1]), (firsts[2], firsts[3])],
            found.Damages.Select(static each => (each.FirstSequence!.Value, each.EndSequence!.Value)));

        var repair = Journal.Repair(directory.Path);
        Assert.Empty(repair.Remaining);
        Assert.Equal(2, repair.KeptAside.Count);
        Assert.Equal(Enumerable.Range(0, DamagedJournal.Count).Where(number => original.Positions[number].Segment is not (1 or 3)),
            DamagedJournal.Read(directory.Path));
    }

    [Fact]
    public void Encrypted_segments_are_read_with_their_key_and_never_written_again_in_the_clear()
    {
        using var original = new DamagedJournal();
        using var directory = original.Copy();
        var keys = new JournalKeyRing("k", new Dictionary<string, byte[]> { ["k"] = new byte[32] });
        using (var journal = Journal.Open(directory.Path, DamagedJournal.Options with { Keys = keys }))
            Assert.Empty(journal.RunMaintenance(new JournalMaintenance { Compression = JournalCodec.Lz4, Encrypt = true }).Failures);
        Assert.Empty(Journal.Verify(directory.Path, keys).Damages);
        Assert.Equal(JournalErrorCode.WrongKey, Assert.Throws<JournalException>(() => Journal.Verify(directory.Path)).Code);

        var packed = Directory.GetFiles(directory.Path, "*.packed").Order(StringComparer.Ordinal).ToArray();
        DamagedJournal.Flip(packed[0], 3000);
        Assert.Equal(packed[0], Assert.Single(Journal.Verify(directory.Path, keys).Damages).File);
        var before = DirectoryState.Of(directory.Path);
        Assert.Equal(packed[0], Assert.Single(Journal.Repair(directory.Path, keys: keys).Remaining).File);
        Assert.Equal(before, DirectoryState.Of(directory.Path));
    }

    [Fact]
    public void A_tail_that_a_power_cut_tore_is_told_and_is_no_damage()
    {
        using var original = new TemporaryDirectory();
        using var journal = Journal.Open(original.Path, new JournalOptions { FlushInterval = TimeSpan.FromMinutes(10) });
        using var writer = journal.CreateWriter();
        for (var i = 0; i < 10; i++)
            writer.Append(Payload.Of(i));
        var torn = writer.Append(Payload.Of(10));
        writer.Append(Payload.Of(11));
        using var directory = DirectoryState.Copy(original.Path);
        DamagedJournal.Flip(directory.Segments[0], torn.FilePosition + 40);

        // Within one boot nothing that was published is lost: there it is damage.
        Assert.Equal(torn.FilePosition, Assert.Single(Journal.Verify(directory.Path).Damages).FilePosition);
        File.Delete(Path.Combine(directory.Path, "journal.control"));
        var found = Journal.Verify(directory.Path);
        Assert.Empty(found.Damages);
        Assert.True(found.TornBytes > 0);
    }

    [Fact]
    public async Task It_works_while_two_other_processes_append_and_one_of_them_stops_in_the_middle()
    {
        using var directory = new TemporaryDirectory();
        using var a = ChildProcess.Start("append", directory.Path, "0", "Os", "700");
        using var b = ChildProcess.Start("append", directory.Path, "1000000", "Os", "300");
        Assert.NotNull(await b.ReadLineAsync());
        using var claims = ChildProcess.Start("stop in claim", directory.Path);
        Assert.Equal("claimed", await claims.ReadLineAsync());
        claims.Pause();
        for (var i = 0; i < 20; i++)
        {
            for (var j = 0; j < 30; j++)
            {
                Assert.NotNull(await a.ReadLineAsync());
            }

            Assert.Empty(Journal.Verify(directory.Path).Damages);
        }
    }

    private static void Pack(string directory)
    {
        using var journal = Journal.Open(directory, DamagedJournal.Options);
        Assert.Empty(journal.RunMaintenance(new JournalMaintenance { Compression = JournalCodec.Lz4 }).Failures);
    }

    private static string MetaOf(TemporaryDirectory directory) => Path.Combine(directory.Path, "journal.meta");

    /// <summary>Another cycle, the same number.</summary>
    private static string Double(string file) =>
        Path.Combine(Path.GetDirectoryName(file)!, $"2999{Path.GetFileName(file)[4..]}");

    private static (string File, long Position) Do(Action damage, string file, long position)
    {
        damage();
        return (file, position);
    }

    private sealed class Told(List<JournalProgress> told) : IProgress<JournalProgress>
    {
        public void Report(JournalProgress value) => told.Add(value);
    }
}
