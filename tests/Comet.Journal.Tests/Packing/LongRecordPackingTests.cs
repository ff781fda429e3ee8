using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Packing;

/// <summary>Records that are longer than what a reader of a sealed segment looks at in one go.</summary>
public sealed class LongRecordPackingTests
{
    private const int Long = 3 << 20;

    [Fact]
    public async Task A_long_record_behind_a_short_one_is_packed_like_any_other()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, new JournalOptions { FirstSegmentLength = 8 << 20, MaxSegmentLength = 8 << 20 });
        using (var writer = journal.CreateWriter())
        {
            for (var i = 0; i < 6; i++)
                writer.Append(Payload.Of(i, i % 2 == 0 ? 100 : Long));
        }

        await journal.FlushAsync();
        var result = journal.RunMaintenance(PackedJournal.Lz4);
        Assert.Empty(result.Failures);
        Assert.True(result.Packed > 0);
        Assert.Equal(Enumerable.Range(0, 6), Payload.ReadAll(journal));
    }
}
