using System.Buffers.Binary;
using Comet.Server.Tests.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Sessions;

/// <summary>Batches that must not be stored. Damage ends the connection, since who sends it sends more of it; what an honest client may
/// send is only refused.</summary>
public sealed class BatchFaultTests() : BrokerTest(new CometServerOptions { MaxMessageLength = 10_000 })
{
    [Fact]
    public async Task Any_byte_that_is_changed_under_the_checksum_ends_the_connection()
    {
        var batch = Batches.Make("p", 0, 3);
        for (var at = RecordBatchHeader.ChecksumPosition; at < batch.Length; at += 7)
            await AssertEndsAsync(Changed(batch, b => b[at] ^= 0x40), ErrorCode.CorruptBatch);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(RecordBatchHeader.Size - 1)]
    [InlineData(RecordBatchHeader.Size)]
    [InlineData(RecordBatchHeader.Size + 12)]
    public Task A_batch_that_is_cut_off(int length) => AssertEndsAsync(Batches.Make("p", 0, 3)[..length], ErrorCode.CorruptBatch);

    [Fact]
    public Task A_batch_with_bytes_behind_it() => AssertEndsAsync([.. Batches.Make("p", 0, 3), 0], ErrorCode.CorruptBatch);

    [Fact]
    public Task A_batch_that_names_another_producer() => AssertEndsAsync(Batches.Make("q", 0, 3), ErrorCode.CorruptBatch);

    [Fact]
    public Task A_compression_that_is_not_known() =>
        AssertEndsAsync(Sealed(Batches.Make("p", 0, 3), b => b[37] = 77), ErrorCode.UnsupportedCompression);

    [Theory]
    [InlineData(CompressionType.Lz4)]
    [InlineData(CompressionType.Snappy)]
    public Task Compressed_records_that_do_not_restore(CompressionType compression) => AssertEndsAsync(
        Sealed(Batches.Make("p", 0, 50, 100, compression), b => b.AsSpan(RecordBatchHeader.Size + 1).Fill(0xFF)), ErrorCode.CorruptBatch);

    [Theory]
    [InlineData(0x7FFF_FFFF)]
    [InlineData(10_000 + FrameLimits.FrameOverhead + 1)]
    [InlineData(-1)]
    public Task Compressed_records_that_say_they_restore_to_too_much(int length) => AssertEndsAsync(
        Sealed(Batches.Make("p", 0, 50, 100, CompressionType.Lz4), b => BinaryPrimitives.WriteInt32LittleEndian(b.AsSpan(64), length)),
        ErrorCode.CorruptBatch);

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(0)]
    [InlineData(-1)]
    public Task A_count_that_is_not_that_of_the_records(int count) => AssertEndsAsync(
        Sealed(Batches.Make("p", 0, 3), b =>
        {
            BinaryPrimitives.WriteInt32LittleEndian(b.AsSpan(40), count);
            BinaryPrimitives.WriteInt32LittleEndian(b.AsSpan(44), count - 1);
        }),
        ErrorCode.CorruptBatch);

    [Fact]
    public Task A_producers_batch_with_gaps() => AssertEndsAsync(
        Sealed(Batches.Make("p", 0, 3), b => BinaryPrimitives.WriteInt32LittleEndian(b.AsSpan(44), 5)), ErrorCode.CorruptBatch);

    [Fact]
    public Task A_record_that_is_longer_than_its_batch() => AssertEndsAsync(
        Sealed(Batches.Make("p", 0, 3), b => b[RecordBatchHeader.Size + 1] = 200), ErrorCode.CorruptBatch);

    // The partition reads keys and times; what it cannot read must not come so far.
    [Theory]
    [InlineData(CompressionType.None)]
    [InlineData(CompressionType.Snappy)]
    public async Task A_record_whose_key_or_time_does_not_end(CompressionType compression)
    {
        foreach (var at in (int[])[4, 5, 6, 7, 10, 11, 12])
        {
            var batch = Batches.MakeDelayed("p", 0, [.. Enumerable.Repeat((9_000_000L, (string?)"key"), 30)]);
            var records = RecordBatchHeader.Size + 1;
            if (at == 4)
                batch[records + at] |= 2;
            else
                batch.AsSpan(records + at, Math.Min(12, 32 - at)).Fill(0xFF);
            await AssertEndsAsync(Packed(batch, compression), ErrorCode.CorruptBatch);
        }
    }

    [Fact]
    public async Task A_batch_that_does_not_say_that_its_records_have_keys_or_times()
    {
        foreach (var attributes in (byte[])[0, 1, 2])
        {
            var batch = Batches.MakeDelayed("p", 0, [(9_000_000, "key")]);
            await AssertEndsAsync(Sealed(batch, b => b[38] = attributes), ErrorCode.CorruptBatch);
        }
    }

    [Theory]
    [InlineData(CompressionType.None)]
    [InlineData(CompressionType.Lz4)]
    public async Task A_message_that_is_too_large_is_refused_and_the_connection_goes_on(CompressionType compression)
    {
        await using var client = await ConnectAsync();
        var producer = await client.CreateProducerAsync("t");
        Assert.Equal(
            ErrorCode.MessageTooLarge,
            await client.AskRefusedAsync(new PublishFrame(producer), Batches.Make("p", 0, 1, 10_001, compression)));
        Assert.Equal(0, (await client.PublishAsync(producer, 0, 1)).BaseOffset);
    }

    [Fact]
    public async Task A_publish_of_a_producer_that_is_not_known_is_refused_and_the_connection_goes_on()
    {
        await using var client = await ConnectAsync();
        Assert.Equal(ErrorCode.ProducerNotFound, await client.AskRefusedAsync(new PublishFrame(77), Batches.Make("p", 0, 1)));
        await client.SettleAsync();
    }

    [Fact]
    public async Task A_publish_to_another_connections_producer_is_refused()
    {
        await using var owner = await ConnectAsync();
        await using var thief = await ConnectAsync();
        var producer = await owner.CreateProducerAsync("t");
        Assert.Equal(ErrorCode.ProducerNotFound, await thief.AskRefusedAsync(new PublishFrame(producer), Batches.Make("p", 0, 1)));
        Assert.Equal(0, (await owner.PublishAsync(producer, 0, 1)).BaseOffset);
    }

    private async Task AssertEndsAsync(byte[] batch, ErrorCode expected)
    {
        await using var client = await ConnectAsync();
        var producer = await client.CreateProducerAsync("faults");
        await client.SendAsync(new PublishFrame(producer), 9, batch);
        Assert.Equal(expected, (await client.AnswerAsync(9)).Read<ErrorFrame>().Code);
        Assert.Equal(expected, await client.EndAsync());
        await using var other = await ConnectAsync();
        var info = (await other.AskAsync(new DescribeTopicFrame("faults"))).Read<TopicInfoFrame>();
        Assert.Equal(0, info.Topic.Partitions[0].EndOffset);
    }

    private static byte[] Changed(byte[] batch, Action<byte[]> change)
    {
        var copy = batch.ToArray();
        change(copy);
        return copy;
    }

    /// <summary>Compresses the records of a damaged batch, and makes the checksum match.</summary>
    private static byte[] Packed(byte[] batch, CompressionType compression)
    {
        using var buffer = new GrowableBuffer(1024);
        buffer.Write(batch);
        if (compression != CompressionType.None)
            compression = BatchCompression.TryCompressInPlace(buffer, RecordBatchHeader.Size + 1, compression);
        return Sealed(buffer.WrittenSpan.ToArray(), b =>
        {
            BinaryPrimitives.WriteInt32LittleEndian(b.AsSpan(RecordBatchHeader.LengthPosition), b.Length);
            b[37] = (byte)compression;
        });
    }

    /// <summary>Changes a batch and makes the checksum match again.</summary>
    private static byte[] Sealed(byte[] batch, Action<byte[]> change)
    {
        var copy = Changed(batch, change);
        RecordBatch.WriteChecksum(copy);
        return copy;
    }
}
