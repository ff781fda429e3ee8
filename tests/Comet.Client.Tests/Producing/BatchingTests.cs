using Comet.Client.Producing;
using Comet.Client.Tests.Scripted;
using Comet.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Tests.Producing;

public class BatchingTests
{
    private const int MaxBatchesInFlight = 8;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Batches_leave_until_eight_are_on_their_way_then_messages_gather_and_a_confirm_sends_them()
    {
        var broker = new ScriptedBroker();
        await using var client = await ConnectAsync(broker, TimeProvider.System);
        await using var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        var session = await broker.Sessions.ReadAsync(Cancelled);
        var onTheirWay = await FillAsync(producer, session);
        for (var i = 0; i < 3; i++)
            Assert.True(producer.Writer.TryWrite("gathers"));
        await ExpectNoBatchAsync(client, session);

        // One confirm makes room for one batch; all that has gathered is in it.
        Complete(session, onTheirWay.Dequeue());
        await ExpectBatchAsync(session, MaxBatchesInFlight, 3);

        // Nothing has gathered, so the next confirm sends nothing, and the next message finds a turn.
        Complete(session, onTheirWay.Dequeue());
        await ExpectNoBatchAsync(client, session);
        Assert.True(producer.Writer.TryWrite("next"));
        await ExpectBatchAsync(session, MaxBatchesInFlight + 3, 1);
    }

    /// <summary>What is requested while one is on its way needs no other; what is requested behind it does.</summary>
    [Fact]
    public async Task A_flush_soon_is_one_for_all_that_comes_before_it()
    {
        var flushes = new SemaphoreSlim(0);
        using var mayFlush = new SemaphoreSlim(0);
        SoonFlush? soon = null;
        var count = 0;
        soon = new SoonFlush(() =>
        {
            mayFlush.Wait(Cancelled);
            soon!.Arrived();
            count++;
            flushes.Release();
        }, null);
        for (var i = 0; i < 5; i++)
            soon.Request();
        mayFlush.Release(2);
        await flushes.WaitAsync(Cancelled);
        Assert.Equal(1, count);
        soon.Request();
        await flushes.WaitAsync(Cancelled);
        Assert.Equal(2, count);
    }

    [Fact]
    public async Task A_batch_is_closed_by_its_count()
    {
        var broker = new ScriptedBroker();
        await using var client = await ConnectAsync(broker, TimeProvider.System);
        var options = new ProducerOptions<string> { MaxBatchMessages = 3 };
        await using var producer = await client.CreateProducerAsync("t", options, Cancelled);
        var session = await broker.Sessions.ReadAsync(Cancelled);
        var onTheirWay = await FillAsync(producer, session);
        for (var i = 0; i < 7; i++)
            Assert.True(producer.Writer.TryWrite($"{i}"));

        // What has gathered behind the eight fills two batches and begins a third.
        foreach (var (sequence, count) in new[] { (0, 3), (3, 3), (6, 1) })
        {
            await ExpectNoBatchAsync(client, session);
            Complete(session, onTheirWay.Dequeue());
            await ExpectBatchAsync(session, MaxBatchesInFlight + sequence, count);
        }
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
        await ExpectNoBatchAsync(client, session);
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

        await ExpectNoBatchAsync(client, session);
        time.Advance(TimeSpan.FromMilliseconds(1));

        var batch = await ExpectBatchAsync(session);
        Assert.Equal(2, batch.RecordCount);
        Complete(session, batch);
        await producer.FlushAsync(Cancelled);
    }

    [Fact]
    public async Task A_confirm_does_not_end_the_linger_of_what_came_after_it()
    {
        var broker = new ScriptedBroker();
        var time = new FakeTimeProvider();
        await using var client = await ConnectAsync(broker, time);
        var options = new ProducerOptions<string> { Linger = TimeSpan.FromMilliseconds(10) };
        await using var producer = await client.CreateProducerAsync("t", options, Cancelled);
        var session = await broker.Sessions.ReadAsync(Cancelled);
        var sending = producer.SendAsync("a", Cancelled);
        time.Advance(options.Linger);
        var first = await ExpectBatchAsync(session, 0, 1);
        Assert.True(producer.Writer.TryWrite("b"));

        Complete(session, first);
        await sending;
        await ExpectNoBatchAsync(client, session);
        Assert.True(producer.Writer.TryWrite("c"));
        time.Advance(options.Linger);

        Complete(session, await ExpectBatchAsync(session, 1, 2));
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
        // The linger makes batches that are worth compressing, however fast the broker confirms.
        var options = new ProducerOptions<string> { Compression = compression, Linger = TimeSpan.FromMinutes(1) };
        await using var producer = await comet.Client.CreateProducerAsync("t", options, Cancelled);
        var expected = Enumerable.Range(0, Count).Select(static i => $"message {i} {new string('x', i % 100)}").ToArray();
        foreach (var value in expected)
            await producer.Writer.WriteAsync(value, Cancelled);
        await producer.FlushAsync(Cancelled);

        Assert.Equal(expected, await Eventually.ReadTopicAsync(comet.Client, "t"));
        var stored = (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Partitions[0].Bytes;
        Assert.InRange(stored, 1, expected.Sum(static e => e.Length) / 2);
    }

    // As many batches of one message as may be on their way: each has left before the next message comes.
    private static async Task<Queue<SentBatch>> FillAsync(Producer<string> producer, ScriptedSession session)
    {
        var onTheirWay = new Queue<SentBatch>();
        for (var i = 0; i < MaxBatchesInFlight; i++)
        {
            Assert.True(producer.Writer.TryWrite($"{i}"));
            onTheirWay.Enqueue(await ExpectBatchAsync(session, i, 1));
        }
        return onTheirWay;
    }

    private static void Complete(ScriptedSession session, SentBatch batch) =>
        session.Send(new PublishedFrame(1, batch.BaseSequence, batch.BaseSequence, batch.RecordCount, Durability.Memory, false),
            batch.CorrelationId);

    private static Task<CometClient> ConnectAsync(ScriptedBroker broker, TimeProvider time)
    {
        // On a clock that stands still disposing would wait for ever for what a failed test has not confirmed.
        if (time is FakeTimeProvider fake)
            Cancelled.Register(() => fake.Advance(TimeSpan.FromSeconds(1)));
        return CometClient.ConnectAsync(
            new CometClientOptions { Transport = broker, TimeProvider = time, DisposeTimeout = TimeSpan.FromMilliseconds(1) }, Cancelled);
    }

    private static async Task<SentBatch> ExpectBatchAsync(ScriptedSession session, long baseSequence, int recordCount)
    {
        var batch = await ExpectBatchAsync(session);
        Assert.Equal((baseSequence, recordCount), (batch.BaseSequence, batch.RecordCount));
        return batch;
    }

    // What is sent later than a batch would be arrives behind it.
    private static async Task ExpectNoBatchAsync(CometClient client, ScriptedSession session)
    {
        await client.PingAsync(Cancelled);
        Assert.False(session.HasReceived(FrameType.Publish));
    }

    private static async Task<SentBatch> ExpectBatchAsync(ScriptedSession session)
    {
        var frame = await session.ExpectAsync(FrameType.Publish);
        var header = RecordBatch.Open(frame.Payload);
        return new SentBatch(frame.CorrelationId, header.BaseSequence, header.RecordCount, header.Length);
    }

    private sealed record SentBatch(ulong CorrelationId, long BaseSequence, int RecordCount, int Length);
}
