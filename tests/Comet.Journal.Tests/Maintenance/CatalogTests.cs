using Comet.Journals.Segments;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Maintenance;

public sealed class CatalogTests
{
    /// <summary>Between the old name and the new one of a segment a directory that is being read may show neither.</summary>
    [Fact]
    public async Task A_listing_with_a_gap_is_looked_at_again()
    {
        using var directory = await PackedJournal.CreateAsync(PackedJournal.Lz4);
        var hidden = Path.GetFileName(PackedJournal.Packed(directory.Path)[1]);
        var looks = 0;
        var files = new TracedFileSystem { Shows = names => ++looks == 1 ? [.. names.Where(name => name != hidden)] : names };
        var catalog = new SegmentCatalog(files, () => [directory.Path], static () => 0);
        Assert.Contains(catalog.Refresh(), entry => Path.GetFileName(entry.Path) == hidden);
        Assert.Equal(2, looks);

        // One that is really missing is not waited for.
        files.Shows = names => [.. names.Where(name => name != hidden)];
        Assert.DoesNotContain(catalog.Refresh(), entry => Path.GetFileName(entry.Path) == hidden);
    }

    [Fact]
    public async Task A_reader_with_an_old_listing_passes_no_segment_over_that_was_packed_or_moved_meanwhile()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, PackedJournal.Options);
        await PackedJournal.FillAsync(journal);
        using var other = Journal.Open(directory.Path, PackedJournal.Options);
        _ = other.Count();
        Assert.Empty(journal.RunMaintenance(PackedJournal.Lz4).Failures);
        Assert.Equal(Enumerable.Range(0, PackedJournal.Count), Payload.ReadAll(other));
        Assert.Empty(journal.RunMaintenance(new JournalMaintenance { Cool = new JournalTier("cool", TimeSpan.Zero) }).Failures);
        Assert.Equal(Enumerable.Range(0, PackedJournal.Count), Payload.ReadAll(other));
        using var backward = other.CreateReader(JournalStart.End);
        for (var i = PackedJournal.Count - 1; i >= 0; i--)
            Assert.True(backward.TryReadBackward(out _));
    }

    [Fact]
    public async Task What_segments_there_are_is_told_with_their_forms()
    {
        using var directory = await PackedJournal.CreateAsync(
            new JournalMaintenance { Compression = JournalCodec.Snappy, Encrypt = true }, Keys.Ring("k"));
        // Without keys, too.
        using var journal = Journal.Open(directory.Path, PackedJournal.Options with { Access = JournalAccess.ReadOnly });
        var segments = journal.GetSegments();
        Assert.Equal(Enumerable.Range(1, segments.Count).Select(number => (long)number), segments.Select(each => each.Number));
        Assert.All(segments.SkipLast(1), each => Assert.Equal((true, JournalCodec.Snappy, "k"), (each.IsPacked, each.Codec, each.KeyId)));
        Assert.Equal((false, JournalCodec.None, null), (segments[^1].IsPacked, segments[^1].Codec, segments[^1].KeyId));
        Assert.All(segments, each => Assert.Equal(new FileInfo(each.Path).Length, each.Bytes));
    }
}
