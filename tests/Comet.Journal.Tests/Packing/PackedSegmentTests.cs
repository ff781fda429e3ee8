using Comet.Journals.FileSystem;
using Comet.Journals.Maintenance;
using Comet.Journals.Packing;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Packing;

public sealed class PackedSegmentTests
{
    public static TheoryData<JournalCodec, bool> Kinds => new()
    {
        { JournalCodec.Lz4, false },
        { JournalCodec.Snappy, false },
        { JournalCodec.None, true },
        { JournalCodec.Lz4, true }
    };

    [Theory]
    [InlineData(JournalCodec.Lz4)]
    [InlineData(JournalCodec.Snappy)]
    public async Task Text_becomes_much_shorter_and_the_segment_that_is_written_stays(JournalCodec codec)
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, PackedJournal.Options);
        using var writer = journal.CreateWriter();
        for (var i = 0; i < 5000; i++)
            writer.Append(System.Text.Encoding.UTF8.GetBytes($"order {i} of customer {i % 17}: 3 pieces, to be delivered tomorrow"));
        await journal.FlushAsync();
        var result = journal.RunMaintenance(new JournalMaintenance { Compression = codec });
        Assert.Equal(PackedJournal.Packed(directory.Path).Length, result.Packed);
        Assert.Single(PackedJournal.Hot(directory.Path));
        Assert.InRange(result.BytesAfter, 1, result.BytesBefore / 2);
        Assert.Equal(result.BytesAfter, PackedJournal.Packed(directory.Path).Sum(path => new FileInfo(path).Length));
        Assert.Equal(0, journal.RunMaintenance(new JournalMaintenance { Compression = codec }).Packed);
    }

    [Fact]
    public async Task What_does_not_shrink_is_stored_as_it_is()
    {
        var room = new byte[BlockCodec.MaxLength(JournalCodec.Lz4, 60_000)];
        Assert.Equal(0, BlockCodec.Compress(JournalCodec.Lz4, 0, Payload.Of(1, 60_000), room));
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, PackedJournal.Options);
        using (var writer = journal.CreateWriter())
        {
            for (var i = 0; i < 12; i++)
                writer.Append(Payload.Of(i, 60_000));
        }

        await journal.FlushAsync();
        Assert.True(journal.RunMaintenance(PackedJournal.Lz4).Packed > 1);
        foreach (var path in PackedJournal.Packed(directory.Path))
        {
            using var packed = PackedFile.Open(FileSystems.Default, path, null);
            Assert.All(packed.Blocks, (block, i) =>
            {
                // A mark, which is up to 512 zeros, may be in it.
                var raw = packed.EndOf(i) - block.Position;
                Assert.InRange(block.StoredLength, raw - 1000, raw);
                Assert.Equal(block.StoredLength < raw, block.IsCompressed);
            });
            Assert.True(packed.Length < packed.Header.Segment.FileLength);
        }

        Assert.Equal(Enumerable.Range(0, 12), Payload.ReadAll(journal));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_changed_byte_anywhere_is_detected_with_file_and_place(JournalCodec codec, bool encrypt)
    {
        var keys = encrypt ? Keys.Ring("k") : null;
        using var directory = await PackedJournal.CreateAsync(new JournalMaintenance { Compression = codec, Encrypt = encrypt }, keys);
        var path = PackedJournal.Packed(directory.Path)[1];
        var random = new Random(5);
        var parts = Parts(path, keys);
        foreach (var (from, to, _) in parts)
        {
            for (var tries = 0; tries < 12; tries++)
            {
                var at = random.NextInt64(from, to);
                Flip(path, at);
                var failure = Assert.Throws<JournalException>(() => ReadAll(path, keys));
                Flip(path, at);
                Assert.Equal(path, failure.File);
                Assert.Contains(path, failure.Message, StringComparison.Ordinal);
                Assert.True(failure.Code is JournalErrorCode.Corrupt or JournalErrorCode.UnsupportedFormat, failure.Message);
                if (failure.Code == JournalErrorCode.Corrupt)
                    Assert.InRange(failure.FilePosition, from, at);
            }
        }

        Assert.True(parts.Count > 4);
        ReadAll(path, keys);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_reader_of_the_journal_tells_where_a_block_is_damaged_and_reads_up_to_there(int number)
    {
        using var directory = await PackedJournal.CreateAsync(PackedJournal.Lz4);
        var path = PackedJournal.Packed(directory.Path)[1];
        PackedBlock block;
        long first;
        using (var packed = PackedFile.Open(FileSystems.Default, path, null))
            (block, first) = (packed.Blocks[number], packed.Blocks[number].Sequence);
        Flip(path, block.StoredAt + 100);
        foreach (var access in new[] { JournalAccess.Shared, JournalAccess.ReadOnly })
        {
            using var journal = Journal.Open(directory.Path, PackedJournal.Options with { Access = access });
            using var reader = journal.CreateReader();
            for (var i = 0; i < first; i++)
                Assert.True(reader.TryRead(out _));
            for (var tries = 0; tries < 2; tries++)
            {
                var failure = Assert.Throws<JournalException>(() => reader.TryRead(out _));
                Assert.Equal((JournalErrorCode.Corrupt, path, block.StoredAt), (failure.Code, failure.File, failure.FilePosition));
            }
        }
    }

    [Fact]
    public async Task A_file_that_was_cut_anywhere_is_detected()
    {
        using var directory = await PackedJournal.CreateAsync(PackedJournal.Lz4);
        var path = PackedJournal.Packed(directory.Path)[0];
        var whole = await File.ReadAllBytesAsync(path);
        for (var length = 0; length < whole.Length; length += Math.Max(1, whole.Length / 40))
        {
            await File.WriteAllBytesAsync(path, whole[..length]);
            Assert.Equal(JournalErrorCode.Corrupt, Assert.Throws<JournalException>(() => ReadAll(path, null)).Code);
        }

        await File.WriteAllBytesAsync(path, [.. whole, .. new byte[PackedTrailer.Length]]);
        Assert.Equal(JournalErrorCode.Corrupt, Assert.Throws<JournalException>(() => ReadAll(path, null)).Code);
    }

    [Fact]
    public async Task A_damaged_segment_is_not_packed_but_reported_and_the_others_are()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, PackedJournal.Options);
        await PackedJournal.FillAsync(journal);
        var path = PackedJournal.Hot(directory.Path)[1];
        using (var reader = journal.CreateReader())
        {
            while (reader.TryRead(out var record))
            {
                if (record.Position.Segment == 2)
                {
                    Flip(path, record.Position.FilePosition + 500);
                    break;
                }
            }
        }

        var result = journal.RunMaintenance(PackedJournal.Lz4);
        var failure = Assert.IsType<JournalException>(Assert.Single(result.Failures));
        Assert.Equal((JournalErrorCode.Corrupt, path), (failure.Code, failure.File));
        Assert.Equal(2, PackedJournal.Hot(directory.Path).Length);
        Assert.True(File.Exists(path));
        PackedJournal.AssertTidy(directory.Path);
    }

    [Fact]
    public async Task A_packed_segment_of_another_journal_is_refused()
    {
        using var first = await PackedJournal.CreateAsync(PackedJournal.Lz4);
        using var second = await PackedJournal.CreateAsync(PackedJournal.Lz4);
        File.Copy(PackedJournal.Packed(second.Path)[1], PackedJournal.Packed(first.Path)[1], overwrite: true);
        using var journal = Journal.Open(first.Path, PackedJournal.Options);
        using var reader = journal.CreateReader();
        var failure = Assert.Throws<JournalException>(() =>
        {
            while (reader.TryRead(out _))
            {
                // Up to the foreign one.
            }
        });
        Assert.Equal(JournalErrorCode.Corrupt, failure.Code);
    }

    private static void ReadAll(string path, IJournalKeyProvider? keys)
    {
        using var reader = PackedSegmentReader.Open(FileSystems.Default, path, keys);
        SegmentCheck.RequireWhole(reader, TestContext.Current.CancellationToken);
    }

    /// <summary>The header's sectors, each block, the table and the trailer.</summary>
    private static List<(long From, long To, int Block)> Parts(string path, IJournalKeyProvider? keys)
    {
        using var packed = PackedFile.Open(FileSystems.Default, path, keys);
        List<(long, long, int)> parts = [(0, PackedHeader.Length, -1)];
        parts.AddRange(packed.Blocks.Select((block, i) => (block.StoredAt, block.StoredAt + block.StoredLength, i)));
        parts.Add((packed.Trailer.TableAt, packed.Length - PackedTrailer.Length, -1));
        parts.Add((packed.Length - PackedTrailer.Length, packed.Length, -1));
        return parts;
    }

    private static void Flip(string path, long at)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        file.Position = at;
        var value = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(value ^ 0x10));
    }
}
