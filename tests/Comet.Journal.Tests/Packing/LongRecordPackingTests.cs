using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Packing;

/// <summary>Records that are longer than what a reader of a sealed segment looks at in one go.</summary>
public sealed class LongRecordPackingTests
{
    private const int Long = 3 << 20;

    private static readonly JournalOptions Options = new() { FirstSegmentLength = 8 << 20, MaxSegmentLength = 8 << 20 };

    [Theory]
    [InlineData(6, Long)]
    [InlineData(16_000, 1001)]
    public async Task A_long_segment_is_packed_whatever_its_records_are(int count, int length)
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Options);
        using (var writer = journal.CreateWriter())
        {
            for (var i = 0; i < count; i++)
                writer.Append(Payload.Of(i, i % 2 == 0 ? 100 : length));
        }

        await journal.FlushAsync();
        var result = journal.RunMaintenance(PackedJournal.Lz4);
        Assert.Empty(result.Failures);
        Assert.True(result.Packed > 0);
        Assert.Equal(Enumerable.Range(0, count), Payload.ReadAll(journal));
    }
}
