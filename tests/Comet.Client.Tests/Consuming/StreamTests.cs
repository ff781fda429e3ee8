using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Tests.Consuming;

public class StreamTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_batch_is_complete_at_once_when_enough_messages_are_there()
    {
        await using var comet = await TopicAsync(10, new() { TimeProvider = new FakeTimeProvider() });
        await using var consumer = await SubscribeAsync(comet);
        var batch = await consumer.ReceiveBatchAsync(10, TimeSpan.FromMinutes(1), Cancelled);
        Assert.Equal(Enumerable.Range(0, 10).Select(static i => $"{i}"), batch.Select(static d => d.Value));
        Assert.Equal((10, "3"), (batch.Count, batch[3].Value));
        await batch.AckAsync(Cancelled);
        await consumer.FlushAcksAsync(Cancelled);
        Assert.Equal(0, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task A_batch_is_complete_after_maxWait_with_what_is_there()
    {
        var time = new FakeTimeProvider();
        await using var comet = await TopicAsync(3, new() { TimeProvider = time });
        await using var consumer = await SubscribeAsync(comet);
        await Eventually.TopicAsync(comet.Client, "t", static t => t.Unacked() == 3);
        var receiving = consumer.ReceiveBatchAsync(10, TimeSpan.FromSeconds(1), Cancelled);
        time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.False(receiving.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(3, (await receiving).Count);
        Assert.Empty(await consumer.ReceiveBatchAsync(10, TimeSpan.Zero, Cancelled));
    }

    [Fact]
    public async Task A_cancelled_batch_gives_back_what_it_had_taken()
    {
        await using var comet = await TopicAsync(3);
        await using var consumer = await SubscribeAsync(comet);
        await Eventually.TopicAsync(comet.Client, "t", static t => t.Unacked() == 3);
        using var source = new CancellationTokenSource();
        var receiving = consumer.ReceiveBatchAsync(10, TimeSpan.FromHours(1), source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receiving);
        var again = await consumer.ReceiveBatchAsync(3, TimeSpan.FromHours(1), Cancelled);
        Assert.Equal([("0", 2), ("1", 2), ("2", 2)], again.Select(static d => (d.Value, d.DeliveryCount)));
    }

    [Fact]
    public async Task ReadBatchesAsync_brings_no_empty_batches_waits_when_there_is_nothing_and_ends_with_the_consumer()
    {
        await using var comet = await TopicAsync(25);
        var consumer = await SubscribeAsync(comet);
        await Eventually.TopicAsync(comet.Client, "t", static t => t.Unacked() == 25);
        var seen = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var reading = Task.Run(
            async () =>
            {
                var count = 0;
                await foreach (var batch in consumer.ReadBatchesAsync(10, TimeSpan.Zero, Cancelled))
                {
                    Assert.InRange(batch.Count, 1, 10);
                    if ((count += batch.Count) == 25)
                        seen.SetResult(count);
                }
            },
            Cancelled);
        await Task.WhenAny(seen.Task, reading);
        await consumer.DisposeAsync();
        await reading;
        Assert.Equal(25, await seen.Task);
    }

    [Fact]
    public async Task A_cancelled_ReadBatchesAsync_ends_even_without_maxWait()
    {
        await using var comet = await TopicAsync(0);
        await using var consumer = await SubscribeAsync(comet);
        using var source = new CancellationTokenSource();
        var reading = Task.Run(
            async () =>
            {
                await foreach (var batch in consumer.ReadBatchesAsync(10, TimeSpan.Zero, source.Token))
                    Assert.Fail($"There is nothing, and {batch.Count} came.");
            },
            Cancelled);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    [Fact]
    public async Task Disposing_ends_every_stream_and_receive()
    {
        await using var comet = await TopicAsync(0);
        var consumer = await SubscribeAsync(comet);
        var reader = await comet.Client.CreateReaderAsync<string>("t", cancellationToken: Cancelled);
        var streams = Task.WhenAll(ReadAsync(consumer.ReadAllAsync(Cancelled)), ReadAsync(reader.ReadAllAsync(Cancelled)));
        var receiving = consumer.ReceiveAsync(Cancelled).AsTask();
        var batch = consumer.ReceiveBatchAsync(1, TimeSpan.FromHours(1), Cancelled);

        await consumer.DisposeAsync();
        await reader.DisposeAsync();

        Assert.All(await streams, static count => Assert.Equal(0, count));
        Assert.Equal(ErrorCode.Closed, (await Assert.ThrowsAsync<CometException>(() => receiving)).Code);
        Assert.Equal(ErrorCode.Closed, (await Assert.ThrowsAsync<CometException>(() => batch)).Code);
        Assert.Equal(ConsumerState.Closed, consumer.State.Current);
    }

    [Fact]
    public async Task A_cancelled_receive_loses_nothing_and_the_stream_can_be_read_again()
    {
        await using var comet = await TopicAsync(0);
        await using var consumer = await SubscribeAsync(comet);
        using var source = new CancellationTokenSource();
        var receiving = consumer.ReceiveAsync(source.Token).AsTask();
        var reading = ReadAsync(consumer.ReadAllAsync(source.Token));
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receiving);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        await SendAsync(comet, 1);
        var delivery = await consumer.ReceiveAsync(Cancelled);
        Assert.Equal(("0", 1), (delivery.Value, delivery.DeliveryCount));
    }

    [Fact]
    public async Task A_payload_that_does_not_decode_is_one_message_and_not_the_end_of_the_stream()
    {
        await using var comet = await TopicAsync(0);
        await using var consumer = await SubscribeAsync(comet);
        await using (var producer = await comet.Client.CreateProducerAsync<byte[]>("t", cancellationToken: Cancelled))
            await producer.SendAsync([0xFF, 0xFE], Cancelled);
        await SendAsync(comet, 1);

        var bad = await consumer.ReceiveAsync(Cancelled);
        Assert.Equal(ErrorCode.UndecodablePayload, Assert.Throws<CometException>(() => bad.Value).Code);
        Assert.False(bad.TryGetValue(out _));
        Assert.Equal(new byte[] { 0xFF, 0xFE }, bad.Payload.ToArray());
        await bad.AckAsync(Cancelled);
        var good = await consumer.ReceiveAsync(Cancelled);
        Assert.True(good.TryGetValue(out var value));
        Assert.Equal("0", value);
    }

    [Fact]
    public async Task A_deleted_topic_ends_the_stream_with_TopicDeleted_behind_what_had_arrived()
    {
        await using var comet = await TopicAsync(5);
        await using var consumer = await SubscribeAsync(comet);
        await Eventually.TopicAsync(comet.Client, "t", static t => t.Unacked() == 5);
        await comet.Client.Topics.DeleteAsync("t", Cancelled);
        await consumer.State.WaitForAsync(ConsumerState.Faulted, Cancelled);

        var values = new List<string>();
        var fault = await Assert.ThrowsAsync<CometException>(
            async () =>
            {
                await foreach (var delivery in consumer.ReadAllAsync(Cancelled))
                    values.Add(delivery.Value);
            });

        Assert.Equal(ErrorCode.TopicDeleted, fault.Code);
        Assert.Equal(["0", "1", "2", "3", "4"], values);
    }

    [Fact]
    public async Task Several_loops_share_one_stream()
    {
        const int Count = 5_000;
        await using var comet = await TopicAsync(0);
        var consumer = await SubscribeAsync(comet);
        var left = Count;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var loops = Enumerable.Range(0, 4).Select(_ => Task.Run(
            async () =>
            {
                var values = new List<string>();
                await foreach (var delivery in consumer.ReadAllAsync(Cancelled))
                {
                    values.Add(delivery.Value);
                    if (Interlocked.Decrement(ref left) == 0)
                        all.SetResult();
                }
                return values;
            },
            Cancelled)).ToArray();
        await SendAsync(comet, Count);
        await all.Task.WaitAsync(Cancelled);
        await consumer.DisposeAsync();
        var seen = (await Task.WhenAll(loops)).SelectMany(static v => v).ToArray();
        Assert.Equal((Count, Count), (seen.Length, seen.Distinct().Count()));
    }

    private static async Task<int> ReadAsync(IAsyncEnumerable<Delivery<string>> stream)
    {
        var count = 0;
        await foreach (var _ in stream)
            count++;
        return count;
    }

    private static Task<Consumer<string>> SubscribeAsync(Embedded comet) =>
        comet.Client.SubscribeAsync<string>("t", "s", new() { StartPosition = StartPosition.Earliest }, Cancelled);

    private static async Task<Embedded> TopicAsync(int count, CometClientOptions? options = null)
    {
        var comet = await Embedded.StartAsync(options: options);
        await SendAsync(comet, count);
        return comet;
    }

    private static async Task SendAsync(Embedded comet, int count)
    {
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < count; i++)
            await producer.Writer.WriteAsync($"{i}", Cancelled);
    }
}
