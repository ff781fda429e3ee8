using System.Buffers;
using System.Text;
using Comet.Checksums;
using Comet.Wire;
using CsCheck;

namespace Comet.Protocol.Tests.Wire;

public sealed class RecordBatchTests
{
    private const int LastOffsetDeltaPosition = 44;

    private static readonly Gen<TestMessage[]> s_messages = Gen.Select(
        Gen.Long[0, 1L << 50],
        Gen.OneOf(Gen.Const((string?)null), Gen.String[0, 20].Select(s => (string?)Clean(s))),
        Gen.OneOf(Gen.Const(0L), Gen.Long[1, 1L << 50]),
        Gen.Select(Gen.String[1, 10].Select(Clean), Gen.Byte.Array[0, 30]).Array[0, 3],
        Gen.Byte.Array[0, 400],
        static (time, key, deliverAt, headers, payload) => new TestMessage(time, key, deliverAt, headers, payload)).Array[1, 60];

    [Fact]
    public void What_goes_in_comes_out() => Gen.Select(s_messages, Gen.Enum<CompressionType>()).Sample((messages, compression) =>
    {
        var batch = Build(messages, 1000, compression);
        var header = RecordBatch.Open(batch);
        Assert.Equal(messages.Length, header.RecordCount);
        Assert.Equal(1000, header.BaseSequence);
        Assert.Equal(messages.Any(m => m.Key is not null), header.Attributes.HasFlag(RecordBatchAttributes.HasKeys));
        Assert.Equal(messages.Any(m => m.DeliverAt != 0), header.Attributes.HasFlag(RecordBatchAttributes.HasDelayed));
        var records = RecordBatch.GetRecords(batch, header, 1 << 20);
        RecordBatch.CheckRecords(records.Span, header);
        AssertRecords(records, header, messages, Enumerable.Range(0, messages.Length));
    });

    [Fact]
    public void Any_choice_of_records_is_a_batch_again() =>
        Gen.Select(s_messages, Gen.Int, Gen.Enum<CompressionType>()).Sample((messages, seed, compression) =>
    {
        var batch = Build(messages, 5, compression);
        RecordBatch.Stamp(batch, baseOffset: 700, ownershipEpoch: 3, appendTime: 99);
        var header = RecordBatch.Open(batch);
        var records = RecordBatch.GetRecords(batch, header, 1 << 20);
        var random = new Random(seed);
        var chosen = Enumerable.Range(0, messages.Length).Where(_ => random.Next(2) == 0).DefaultIfEmpty(0).ToArray();
        using var chosenBytes = new GrowableBuffer(16);
        var reader = new RecordReader(records.Span, header);
        while (reader.TrySkip(out var position, out var length, out var delta))
        {
            if (chosen.Contains(delta))
                chosenBytes.Write(records.Span.Slice(position, length));
        }
        using var output = new GrowableBuffer(16);
        RecordBatchCutter.Append(output, batch, header, chosenBytes.WrittenSpan, chosen.Length);
        var cut = RecordBatch.Open(output.WrittenSpan);
        Assert.Equal((700L, 3L, 99L, 5L), (cut.BaseOffset, cut.OwnershipEpoch, cut.AppendTime, cut.BaseSequence));
        Assert.Equal(chosen.Length, cut.RecordCount);
        AssertRecords(RecordBatch.GetRecords(output.WrittenMemory, cut, 1 << 20), cut, messages, chosen);
    });

    [Fact]
    public void The_brokers_stamp_is_outside_the_checksum()
    {
        var batch = Build(Some(3), 0, CompressionType.None);
        RecordBatch.Stamp(batch, 123_456, 7, 1_000_000);
        var header = RecordBatch.Open(batch);
        Assert.Equal((123_456, 123_458, 7, 1_000_000), (header.BaseOffset, header.LastOffset, header.OwnershipEpoch, header.AppendTime));
    }

    [Theory]
    [InlineData(CompressionType.None)]
    [InlineData(CompressionType.Lz4)]
    [InlineData(CompressionType.Snappy)]
    public void Every_single_bit_flip_is_noticed(CompressionType compression)
    {
        var batch = Build(Some(5), 0, compression);
        // What stands before the checksum but for magic and length belongs to the broker.
        foreach (var at in Enumerable.Range(0,
            8).Concat(Enumerable.Range(RecordBatchHeader.ChecksumPosition, batch.Length - RecordBatchHeader.ChecksumPosition)))
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var damaged = (byte[])batch.Clone();
                damaged[at] ^= (byte)(1 << bit);
                var error = Assert.Throws<CometException>(() => RecordBatch.Open(damaged));
                Assert.True(error.Code is ErrorCode.CorruptBatch or ErrorCode.UnsupportedCompression);
            }
        }
    }

    [Fact]
    public void A_batch_cut_off_anywhere_is_noticed()
    {
        var batch = Build(Some(5), 0, CompressionType.None);
        for (var length = 0; length < batch.Length; length++)
            Assert.Equal(ErrorCode.CorruptBatch, Assert.Throws<CometException>(() => RecordBatch.Open(batch.AsSpan(0, length))).Code);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    [InlineData(RecordBatchHeader.MaxRecords)]
    [InlineData(int.MaxValue)]
    public void A_last_offset_that_no_batch_has_is_corrupt_under_a_right_checksum(int lastOffsetDelta)
    {
        var batch = Build(Some(3), 0, CompressionType.None);
        BitConverter.TryWriteBytes(batch.AsSpan(LastOffsetDeltaPosition), lastOffsetDelta);
        RecordBatch.WriteChecksum(batch);
        Assert.Equal(ErrorCode.CorruptBatch, Assert.Throws<CometException>(() => RecordBatch.Open(batch)).Code);
        BitConverter.TryWriteBytes(batch.AsSpan(LastOffsetDeltaPosition), RecordBatchHeader.MaxRecords - 1);
        RecordBatch.WriteChecksum(batch);
        Assert.Equal(RecordBatchHeader.MaxRecords - 1, RecordBatch.Open(batch).LastOffset);
    }

    [Fact]
    public void Records_damaged_under_a_right_checksum_throw_only_coded_errors()
    {
        var random = new Random(7);
        var batch = Build([.. Some(20), new(5, "key", 77, [("h", [1, 2])], new byte[40])], 0, CompressionType.None);
        for (var round = 0; round < 20_000; round++)
        {
            var damaged = (byte[])batch.Clone();
            for (var i = random.Next(1, 4); i > 0; i--)
                damaged[random.Next(RecordBatchHeader.Size, damaged.Length)] = (byte)random.Next(256);
            RecordBatch.WriteChecksum(damaged);
            try
            {
                var header = RecordBatch.Open(damaged);
                var records = RecordBatch.GetRecords(damaged, header, 1 << 20);
                var reader = new RecordReader(records.Span, header);
                while (reader.TryRead(out var record))
                    RecordHeaders.Read(record.Headers.ToArray());
            }
            catch (CometException e)
            {
                Assert.Equal(ErrorCode.CorruptBatch, e.Code);
            }
        }
    }

    [Theory]
    [InlineData(CompressionType.Lz4)]
    [InlineData(CompressionType.Snappy)]
    public void Compressed_data_that_says_it_is_larger_or_smaller_is_corrupt(CompressionType compression)
    {
        var batch = Build(Some(50), 0, compression);
        var header = RecordBatch.Open(batch);
        Assert.Equal(compression, header.Compression);
        foreach (var length in new[] { header.RecordsLength - 1, header.RecordsLength + 1, header.RecordsLength * 2 })
        {
            var changed = header with { RecordsLength = length };
            Assert.Equal(ErrorCode.CorruptBatch, Assert.Throws<CometException>(() => RecordBatch.GetRecords(batch, changed, 1 << 20)).Code);
        }
    }

    [Fact]
    public void A_bomb_takes_no_memory()
    {
        var batch = Build(Some(50), 0, CompressionType.Lz4);
        var bomb = RecordBatch.Open(batch) with { RecordsLength = int.MaxValue };
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(ErrorCode.CorruptBatch, Assert.Throws<CometException>(() => RecordBatch.GetRecords(batch, bomb, int.MaxValue)).Code);
        Assert.Equal(ErrorCode.CorruptBatch, Assert.Throws<CometException>(() => RecordBatch.GetRecords(batch, bomb, 1 << 20)).Code);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 * 1024);
    }

    [Fact]
    public void A_record_that_is_abandoned_leaves_no_trace()
    {
        using var builder = new RecordBatchBuilder("p", 64);
        Append(builder, Some(1)[0]);
        builder.BeginRecord(1, "key", null, 5);
        builder.Output.Write("half of a pay"u8);
        builder.AbandonRecord();
        var header = RecordBatch.Open(builder.Complete(0, CompressionType.None).Span);
        Assert.Equal((1, RecordBatchAttributes.None), (header.RecordCount, header.Attributes));
    }

    [Fact]
    public void A_builder_is_reusable_after_a_large_batch()
    {
        using var builder = new RecordBatchBuilder("producer-1", 256);
        Append(builder, new TestMessage(1, null, 0, [], new byte[100_000]));
        _ = builder.Complete(0, CompressionType.None);
        builder.Reset();
        Append(builder, new TestMessage(2, "k", 0, [], [9]));
        var batch = builder.Complete(1, CompressionType.None).ToArray();
        var header = RecordBatch.Open(batch);
        Assert.Equal("producer-1", Encoding.ASCII.GetString(batch, RecordBatchHeader.Size, header.ProducerNameLength));
        AssertRecords(batch.AsMemory(header.RecordsStart), header, [new(2, "k", 0, [], [9])], [0]);
    }

    [Fact]
    public void Encoding_allocates_nothing_per_message()
    {
        using var builder = new RecordBatchBuilder("producer-1", 128 * 1024);
        var payload = new byte[100];
        Fill(builder, payload, 1000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Fill(builder, payload, 1000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void The_checksum_is_Castagnolis() => Assert.Equal(0xE3069283, Crc32C.Compute("123456789"u8));

    private static void Fill(RecordBatchBuilder builder, byte[] payload, int count)
    {
        builder.Reset();
        for (var i = 0; i < count; i++)
        {
            builder.BeginRecord(i, "key", null, 0);
            builder.Output.Write(payload);
            builder.EndRecord();
        }
        builder.Complete(0, CompressionType.None);
    }

    private static byte[] Build(TestMessage[] messages, long baseSequence, CompressionType compression)
    {
        using var builder = new RecordBatchBuilder("producer-1", 64);
        foreach (var message in messages)
            Append(builder, message);
        return builder.Complete(baseSequence, compression).ToArray();
    }

    private static void Append(RecordBatchBuilder builder, TestMessage message)
    {
        var headers = new MessageHeaders();
        foreach (var (name, value) in message.Headers)
            headers.Add(name, value);
        builder.BeginRecord(message.Time, message.Key, headers, message.DeliverAt);
        builder.Output.Write(message.Payload);
        builder.EndRecord();
    }

    private static void AssertRecords(ReadOnlyMemory<byte> records, RecordBatchHeader header, TestMessage[] messages,
        IEnumerable<int> chosen)
    {
        var reader = new RecordReader(records.Span, header);
        foreach (var i in chosen)
        {
            Assert.True(reader.TryRead(out var record));
            Assert.Equal(i, record.OffsetDelta);
            Assert.Equal(messages[i].Time, record.Timestamp);
            Assert.Equal(messages[i].DeliverAt, record.DeliverAt);
            Assert.Equal(messages[i].Key, record.HasKey ? Encoding.UTF8.GetString(record.Key) : null);
            Assert.Equal(messages[i].Payload, record.Payload.ToArray());
            Assert.Equal(messages[i].Payload, records.Slice(record.PayloadPosition, record.Payload.Length).ToArray());
            var headers = RecordHeaders.Read(record.Headers.ToArray()).Select(h => (h.Key, Convert.ToHexString(h.Value.Span)));
            Assert.Equal(messages[i].Headers.Select(h => (h.Name, Convert.ToHexString(h.Value))), headers);
        }
        Assert.False(reader.TryRead(out _));
    }

    private static TestMessage[] Some(int count) =>
        [.. Enumerable.Range(0, count).Select(static i => new TestMessage(1_000_000 + i, null, 0, [],
            Encoding.UTF8.GetBytes($"message number {i}")))];

    // Lone surrogates do not survive UTF-8, as documented for text keys.
    private static string Clean(string text) => string.Concat(text.Where(static c => !char.IsSurrogate(c)));

    private sealed record TestMessage(long Time, string? Key, long DeliverAt, (string Name, byte[] Value)[] Headers, byte[] Payload);
}
