namespace Comet.Journals.Tests.Reading;

public sealed class AllocationTests
{
    private const int Count = 20_000;

    [Fact]
    public void Reading_either_way_appending_batches_and_committing_allocate_nothing()
    {
        using var directory = new TemporaryDirectory();
        var options = new JournalOptions { FirstSegmentLength = 16L << 20, RollCycle = RollCycle.BySize };
        using var journal = Journal.Open(directory.Path, options);
        using var writer = journal.CreateWriter();
        using var named = journal.OpenReader("a");
        var reader = named.Reader;
        ReadOnlyMemory<byte>[] batch = [new byte[20], new byte[30], Array.Empty<byte>()];
        var allocated = 0L;
        // The first round compiles and makes room for the steps back.
        for (var round = 0; round < 2; round++)
        {
            allocated = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Count; i++)
            {
                writer.AppendBatch(batch);
                writer.Append(batch[0].Span, batch[1].Span);
            }

            while (reader.TryRead(out _))
                named.Commit();
            for (var i = 0; i < Count; i++)
                Assert.True(reader.TryReadBackward(out _));
            for (var i = 0; i < Count; i++)
                Assert.True(reader.TryRead(out _));
            allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        }

        // Not for each record: that a flush is due is queued, by whoever appends, now and then.
        Assert.InRange(allocated, 0, Count / 8);
    }
}
