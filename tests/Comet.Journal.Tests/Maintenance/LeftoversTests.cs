using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Maintenance;

public sealed class LeftoversTests
{
    /// <summary>A power cut may bring the name of a deleted file back.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_two_copies_a_whole_one_stays(bool packedIsDamaged)
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, PackedJournal.Options);
        await PackedJournal.FillAsync(journal);
        var hot = PackedJournal.Hot(directory.Path)[0];
        var copy = await ReadAsync(hot);
        Assert.Empty(journal.RunMaintenance(PackedJournal.Lz4).Failures);
        await File.WriteAllBytesAsync(hot, copy);
        await File.WriteAllBytesAsync($"{hot}.packed.cut off.tmp", copy);
        if (packedIsDamaged)
            DirectoryState.Overwrite($"{hot}.packed", 5000, [1, 2, 3, 4, 5, 6, 7, 8]);
        else
            Assert.Equal(Enumerable.Range(0, PackedJournal.Count), Payload.ReadAll(journal));
        using (var other = Journal.Open(directory.Path, PackedJournal.Options))
            Assert.Empty(other.RunMaintenance(new JournalMaintenance()).Failures);
        Assert.Equal(packedIsDamaged, File.Exists(hot));
        Assert.Equal(!packedIsDamaged, File.Exists($"{hot}.packed"));
        PackedJournal.AssertTidy(directory.Path);
        Assert.Equal(Enumerable.Range(0, PackedJournal.Count), Payload.ReadAll(journal));
    }

    [Fact]
    public async Task Of_two_damaged_copies_both_stay_and_it_is_reported()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, PackedJournal.Options);
        await PackedJournal.FillAsync(journal);
        var hot = PackedJournal.Hot(directory.Path)[0];
        var copy = await ReadAsync(hot);
        Assert.Empty(journal.RunMaintenance(PackedJournal.Lz4).Failures);
        copy[9000] ^= 1;
        await File.WriteAllBytesAsync(hot, copy);
        DirectoryState.Overwrite($"{hot}.packed", 5000, [1, 2, 3, 4, 5, 6, 7, 8]);
        Assert.Equal(hot, Assert.IsType<JournalException>(Assert.Single(journal.RunMaintenance(new JournalMaintenance()).Failures)).File);
        Assert.True(File.Exists(hot) && File.Exists($"{hot}.packed"));
    }

    private static async Task<byte[]> ReadAsync(string path)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[file.Length];
        await file.ReadExactlyAsync(bytes);
        return bytes;
    }
}
