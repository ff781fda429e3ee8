namespace Comet.Journals.Tests.Appending;

public sealed class ConcurrencyTests
{
    private const int Writers = 4;
    private const int PerWriter = 50_000;

    [Fact]
    public async Task Many_threads_append_and_all_readers_see_one_order_with_each_writers_own_kept()
    {
        using var directory = new TemporaryDirectory();
        var options = new JournalOptions { FirstSegmentLength = 64 * 1024, MaxSegmentLength = 256 * 1024 };
        using var journal = Journal.Open(directory.Path, options);
        using var other = Journal.Open(directory.Path, options);
        var readers = new[] { journal, other }.Select(each => Task.Run(() => ReadAll(each))).ToArray();
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(id => Task.Run(() => Write(id % 2 == 0 ? journal : other, id))));

        var orders = await Task.WhenAll(readers);
        Assert.Equal(orders[0], orders[1]);
        foreach (var own in orders[0].GroupBy(value => value / PerWriter))
            Assert.Equal(Enumerable.Range((int)own.Key * PerWriter, PerWriter).Select(value => (long)value), own);
        Assert.Equal(Writers, orders[0].Select(value => value / PerWriter).Distinct().Count());
    }

    private static void Write(Journal journal, int id)
    {
        using var writer = journal.CreateWriter();
        var payload = new byte[8 + (id * 40)];
        for (var i = 0; i < PerWriter; i++)
        {
            BitConverter.TryWriteBytes(payload, ((long)id * PerWriter) + i);
            writer.Append(payload);
        }
    }

    private static List<long> ReadAll(Journal journal)
    {
        using var reader = journal.CreateReader();
        var order = new List<long>();
        while (order.Count < Writers * PerWriter)
        {
            if (!reader.TryRead(out var record))
                continue;

            Assert.Equal(order.Count, record.Sequence);
            order.Add(BitConverter.ToInt64(record.Payload));
        }

        return order;
    }
}
