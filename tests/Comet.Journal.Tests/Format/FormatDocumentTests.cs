using Comet.Journals.Tests.Processes;
using Comet.Journals.Tests.Support;
using CsCheck;

namespace Comet.Journals.Tests.Format;

public sealed class FormatDocumentTests
{
    [Fact]
    public void A_reader_made_from_the_document_reads_what_ours_reads() => Gen.Byte.Array[0, 3000].Array[0, 120].Sample(payloads =>
    {
        using var directory = new TemporaryDirectory();
        var options = new JournalOptions { FirstSegmentLength = 16 * 1024, MaxSegmentLength = 128 * 1024 };
        for (var session = 0; session < 2; session++)
        {
            using var journal = Journal.Open(directory.Path, options);
            using var writer = journal.CreateWriter();
            foreach (var payload in payloads)
                writer.Append(payload);
            AssertSame(journal, directory);
            _ = journal.TruncateBefore(payloads.Length / 2);
            AssertSame(journal, directory);
        }
    }, iter: 10);

    [Fact]
    public void It_reads_packed_segments_of_every_kind_in_every_folder() => Gen.Select(
        Gen.Byte.Array[0, 3000].Array[20, 120], Gen.Int[0, 2], Gen.Bool, Gen.Bool).Sample((payloads, codec, encrypt, move) =>
    {
        using var directory = new TemporaryDirectory();
        var options = new JournalOptions { FirstSegmentLength = 16 * 1024, MaxSegmentLength = 256 * 1024, Keys = Keys.Ring("k") };
        using var journal = Journal.Open(directory.Path, options);
        using var writer = journal.CreateWriter();
        foreach (var payload in payloads)
        {
            writer.Append(payload);
            writer.Append(new byte[payload.Length]);
        }

        journal.FlushAsync().AsTask().GetAwaiter().GetResult();
        Assert.Empty(journal.RunMaintenance(new JournalMaintenance
        {
            Compression = (JournalCodec)codec,
            Encrypt = encrypt,
            Cool = move ? new JournalTier("cool", TimeSpan.Zero) : null
        }).Failures);
        AssertSame(journal, directory);
    }, iter: 20);

    [Fact]
    public async Task It_passes_ends_marks_and_the_padding_of_a_killed_writer()
    {
        using var directory = new TemporaryDirectory();
        using (var journal = Journal.Open(directory.Path, new JournalOptions { FirstSegmentLength = 16 * 1024 }))
        using (var writer = journal.CreateWriter())
        {
            using (var child = ChildProcess.Start("stop in claim", directory.Path))
            {
                Assert.Equal("claimed", await child.ReadLineAsync());
                await child.KillAsync();
            }

            await writer.AppendAsync(new byte[9000]);
            writer.Append(new byte[9000]);
            AssertSame(journal, directory);
        }

        Assert.Superset(new HashSet<int> { 1, 2, 3, 4 }, DocumentedReader.Read(directory.Path).Kinds);
    }

    [Fact]
    public void The_place_of_a_named_reader_is_as_documented()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        for (var i = 0; i < 10; i++)
            writer.Append("x"u8);
        using var named = journal.OpenReader("a", JournalStart.AtSequence(2));
        for (var i = 2; i < 8; i++)
        {
            Assert.True(named.Reader.TryRead(out var record));
            named.Commit(record.Position);
            var id = DocumentedReader.Meta(File.ReadAllBytes(Path.Combine(directory.Path, "journal.meta")));
            var values = DocumentedReader.Values(Path.Combine(directory.Path, "a.reader"), id)!;
            Assert.Equal((1, i + 1), (values[0], values[3]));
            Assert.Equal(record.Position.FilePosition, values[2]);
        }
    }

    private static void AssertSame(Journal journal, TemporaryDirectory directory)
    {
        var (records, _) = DocumentedReader.Read(directory.Path, Keys.Of);
        using var reader = journal.CreateReader();
        foreach (var expected in records)
        {
            Assert.True(reader.TryRead(out var record));
            Assert.Equal(expected.Body, record.Payload);
            Assert.Equal(new JournalPosition(expected.Sequence, expected.Segment, expected.Position), record.Position);
            Assert.Equal(DateTimeOffset.UnixEpoch.AddTicks(expected.Time), record.Timestamp);
        }

        Assert.False(reader.TryRead(out _));
    }
}
