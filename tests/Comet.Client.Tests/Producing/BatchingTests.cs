using Comet.Client.Tests.Scripted;
using Comet.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Tests.Producing;

public class BatchingTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_a_batch_is_on_its_way_messages_gather_and_its_confirm_sends_them()
    {
        var broker = new ScriptedBroker();
        await using var client = await ConnectAsync(broker, TimeProvider.System);
        await using var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        var session = await broker.Sessions.ReadAsync(Cancelled);
        foreach (var value in new[] { "a", "b", "c" })
            Assert.True(producer.Writer.TryWrite(value));

        var first = await ExpectBatchAsync(session);
        Assert.Equal((0, 1), (first.BaseSequence, first.RecordCount));
        Assert.False(session.HasReceived(FrameType.Publish));
        session.Send(new PublishedFrame(1, 0, 0, 1, Durability.Memory, false), first.CorrelationId);

        var second = await ExpectBatchAsync(session);
        Assert.Equal((1, 2), (second.BaseSequence, second.RecordCount));
        session.Send(new PublishedFrame(1, 1, 1, 2, Durability.Memory, false), second.CorrelationId);
        await producer.FlushAsync(Cancelled);
    }

    [Fact]
    public async Task A_batch_is_closed_by_its_count()
    {
        var broker = new ScriptedBroker();
        await using var client = await ConnectAsync(broker, TimeProvider.System);
        var options = new ProducerOptions<string> { MaxBatchMessages = 3 };
        await using var producer = await client.CreateProducerAsync("t", options, Cancelled);
        var session = await broker.Sessions.ReadAsync(Cancelled);
        for (var i = 0; i < 8; i++)
            Assert.True(producer.Writer.TryWrite($"{i}"));

        Assert.Equal(1, (await ExpectBatchAsync(session)).RecordCount);
        Assert.Equal(3, (await ExpectBatchAsync(session)).RecordCount);
        var last = await ExpectBatchAsync(session);
        Assert.Equal((4, 3), (last.BaseSequence, last.RecordCount));
        Assert.Equal(8, producer.PendingMessages);
    }

    [Fact]
    public async Task A_batch_is_closed_by_its_size()
    {
        var broker = new ScriptedBroker();
        var time = new FakeTimeProvider();
        await using var client = await ConnectAsync(broker, time);
        var options = new ProducerOptions<byte[]> { MaxBatchBytes = 4096, Linger = TimeSpan.FromSeconds(1) };
        await using var producer = await client.CreateProducerAsync("t", options, Cancelled);
        var session = await broker.Sessions.ReadAsync(Cancelled);
        for (var i = 0; i < 3; i++)
            Assert.True(producer.Writer.TryWrite(new byte[1000]));
        await client.PingAsync(Cancelled);
        Assert.False(session.HasReceived(FrameType.Publish));
        Assert.True(producer.Writer.TryWrite(new byte[1000]));

        var batch = await ExpectBatchAsync(session);

        Assert.Equal(4, batch.RecordCount);
        Assert.InRange(batch.Length, 4096, 4096 + 1100);
        Complete(session, batch);
    }

    [Fact]
    public async Task Nothing_is_sent_before_the_linger_is_over()
    {
        var broker = new ScriptedBroker();
        var time = new FakeTimeProvider();
        await using var client = await ConnectAsync(broker, time);
        var options = new ProducerOptions<string> { Linger = TimeSpan.FromMilliseconds(10) };
        await using var producer = await client.CreateProducerAsync("t", options, Cancelled);
        var session = await broker.Sessions.ReadAsync(Cancelled);
        Assert.True(producer.Writer.TryWrite("a"));
        time.Advance(TimeSpan.FromMilliseconds(9));
        Assert.True(producer.Writer.TryWrite("b"));

        // What is sent later than the messages arrives first: they are still here.
        await client.PingAsync(Cancelled);
        Assert.False(session.HasReceived(FrameType.Publish));
        time.Advance(TimeSpan.FromMilliseconds(1));

        var batch = await ExpectBatchAsync(session);
        Assert.Equal(2, batch.RecordCount);
        Complete(session, batch);
        await producer.FlushAsync(Cancelled);
    }

    [Fact]
    public async Task FlushAsync_does_not_wait_for_the_linger()
    {
        var time = new FakeTimeProvider();
        await using var comet = await Embedded.StartAsync(options: new() { TimeProvider = time });
        var options = new ProducerOptions<string> { Linger = TimeSpan.FromMinutes(1) };
        await using var producer = await comet.Client.CreateProducerAsync("t", options, Cancelled);
        Assert.True(producer.Writer.TryWrite("a"));
        await producer.FlushAsync(Cancelled);
        Assert.Equal(["a"], await Eventually.ReadTopicAsync(comet.Client, "t"));
    }

    [Theory]
    [InlineData(CompressionType.Lz4)]
    [InlineData(CompressionType.Snappy)]
    public async Task Compressed_batches_come_out_as_they_went_in(CompressionType compression)
    {
        const int Count = 2_000;
        await using var comet = await Embedded.StartAsync();
        var options = new ProducerOptions<string> { Compression = compression };
        await using var producer = await comet.Client.CreateProducerAsync("t", options, Cancelled);
        var expected = Enumerable.Range(0, Count).Select(static i => $"message {i} {new string('x', i % 100)}").ToArray();
        foreach (var value in expected)
            await producer.Writer.WriteAsync(value, Cancelled);
        await producer.FlushAsync(Cancelled);

        Assert.Equal(expected, await Eventually.ReadTopicAsync(comet.Client, "t"));
        var stored = (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Partitions[0].Bytes;
        Assert.InRange(stored, 1, expected.Sum(static e => e.Length) / 2);
    }

    private static void Complete(ScriptedSession session, SentBatch batch) =>
        session.Send(new PublishedFrame(1, batch.BaseSequence, batch.BaseSequence, batch.RecordCount, Durability.Memory, false),
            batch.CorrelationId);

    private static Task<CometClient> ConnectAsync(ScriptedBroker broker, TimeProvider time) => CometClient.ConnectAsync(
        new CometClientOptions { Transport = broker, TimeProvider = time, DisposeTimeout = TimeSpan.FromMilliseconds(1) }, Cancelled);

    private static async Task<SentBatch> ExpectBatchAsync(ScriptedSession session)
    {
        var frame = await session.ExpectAsync(FrameType.Publish);
        var header = RecordBatch.Open(frame.Payload);
        return new SentBatch(frame.CorrelationId, header.BaseSequence, header.RecordCount, header.Length);
    }

    private sealed record SentBatch(ulong CorrelationId, long BaseSequence, int RecordCount, int Length);
}
