using CsCheck;

namespace Comet.Journals.Tests.Appending;

public sealed class AppendTests
{
    [Fact]
    public void What_is_appended_is_read_in_order_with_dense_sequences() =>
        Gen.Byte.Array[0, 3000].List[0, 200].Sample(payloads =>
        {
            using var directory = new TemporaryDirectory();
            using var journal = Journal.Open(directory.Path, new JournalOptions { FirstSegmentLength = 16 * 1024 });
            using var writer = journal.CreateWriter();
            using var reader = journal.CreateReader();
            foreach (var payload in payloads)
                writer.Append(payload);

            AssertReads(reader, payloads);
        }, iter: 30);

    [Fact]
    public void What_is_appended_is_there_when_it_is_opened_again() =>
        Gen.Byte.Array[0, 3000].List[0, 50].List[1, 4].Sample(sessions =>
        {
            using var directory = new TemporaryDirectory();
            var all = new List<byte[]>();
            foreach (var session in sessions)
            {
                using var journal = Journal.Open(directory.Path, new JournalOptions { FirstSegmentLength = 16 * 1024 });
                using var writer = journal.CreateWriter();
                foreach (var payload in session)
                {
                    Assert.Equal(all.Count, writer.Append(payload).Sequence);
                    all.Add(payload);
                }

                using var reader = journal.CreateReader();
                AssertReads(reader, all);
            }
        }, iter: 30);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_536)]
    [InlineData(5_000_000)]
    [InlineData(64 * 1024 * 1024)]
    public void Records_of_every_length_fit(int length)
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        using var reader = journal.CreateReader();
        var payload = new byte[length];
        new Random(length).NextBytes(payload);
        writer.Append(payload);
        writer.Append(payload);
        AssertReads(reader, [payload, payload]);
    }

    private static void AssertReads(JournalReader reader, IEnumerable<byte[]> payloads)
    {
        var sequence = 0L;
        foreach (var payload in payloads)
        {
            Assert.True(reader.TryRead(out var record));
            Assert.True(payload.AsSpan().SequenceEqual(record.Payload));
            Assert.Equal(sequence++, record.Sequence);
        }

        Assert.False(reader.TryRead(out _));
    }
}
