using Comet.Client;

namespace Comet.Cli.Bench;

/// <summary>How many messages a second.</summary>
internal static class ThroughputScenarios
{
    private const string Subscription = "bench";

    /// <summary>One producer, pipelined through its writer; the time ends when the last message is confirmed.</summary>
    public static Task<BenchResult> PublishAsync(BenchContext context) =>
        context.MeasureRateAsync("publish", context.Count(4_000_000), async (topic, count) =>
        {
            await using var producer = await context.Client.CreateProducerAsync<ReadOnlyMemory<byte>>(topic);
            var start = BenchContext.Time.GetTimestamp();
            await SendAsync(producer, context.Payload(), count);
            return BenchContext.Time.GetElapsedTime(start);
        });

    /// <summary>One producer and one consumer that acks each message by itself; the time ends when the last ack is confirmed.</summary>
    public static Task<BenchResult> PublishConsumeAsync(BenchContext context) =>
        context.MeasureRateAsync("publish-consume", context.Count(2_000_000), async (topic, count) =>
        {
            await using var consumer = await context.Client.SubscribeAsync<ReadOnlyMemory<byte>>(topic, Subscription);
            await using var producer = await context.Client.CreateProducerAsync<ReadOnlyMemory<byte>>(topic);
            return await PassAsync(producer, consumer, context.Payload(), count);
        });

    /// <summary>A backlog that is there before the consumer comes.</summary>
    public static Task<BenchResult> DrainAsync(BenchContext context) =>
        context.MeasureRateAsync("drain", context.Count(500_000), async (topic, count) =>
        {
            await using (await context.Client.SubscribeAsync<ReadOnlyMemory<byte>>(topic, Subscription))
            {
                // The subscription stays, so that the broker keeps the messages.
            }
            await using (var producer = await context.Client.CreateProducerAsync<ReadOnlyMemory<byte>>(topic))
                await SendAsync(producer, context.Payload(), count);
            var start = BenchContext.Time.GetTimestamp();
            await using var consumer = await context.Client.SubscribeAsync<ReadOnlyMemory<byte>>(topic, Subscription);
            await ReceiveAsync(consumer, count);
            return BenchContext.Time.GetElapsedTime(start);
        });

    /// <summary>A million messages through a window of ten permits.</summary>
    public static Task<BenchResult> SmallWindowAsync(BenchContext context) =>
        context.MeasureRateAsync("window-of-10", context.Count(1_000_000), async (topic, count) =>
        {
            await using var consumer = await context.Client.SubscribeAsync(
                topic, Subscription, new ConsumerOptions<ReadOnlyMemory<byte>> { ReceiveWindowMessages = 10 });
            await using var producer = await context.Client.CreateProducerAsync<ReadOnlyMemory<byte>>(topic);
            return await PassAsync(producer, consumer, context.Payload(), count);
        });

    /// <summary>Ten thousand senders, each of which awaits the confirm of one message before it sends the next.</summary>
    public static Task<BenchResult> ManyInFlightAsync(BenchContext context) =>
        context.MeasureRateAsync("10000-in-flight", context.Count(1_000_000), async (topic, count) =>
        {
            const int Senders = 10_000;
            await using var producer = await context.Client.CreateProducerAsync<ReadOnlyMemory<byte>>(topic);
            var payload = context.Payload();
            var start = BenchContext.Time.GetTimestamp();
            var left = count;
            await Task.WhenAll(Enumerable.Range(0, Senders).Select(async _ =>
            {
                while (Interlocked.Decrement(ref left) >= 0)
                    await producer.SendAsync(payload);
            }));
            return BenchContext.Time.GetElapsedTime(start);
        });

    /// <summary>Sends and receives side by side.</summary>
    private static async Task<TimeSpan> PassAsync(
        Producer<ReadOnlyMemory<byte>> producer, Consumer<ReadOnlyMemory<byte>> consumer, byte[] payload, long count)
    {
        using var backlog = new Backlog();
        var start = BenchContext.Time.GetTimestamp();
        var sending = Task.Run(() => SendAsync(producer, payload, count, backlog));
        var receiving = ReceiveAsync(consumer, count, backlog);
        // Who cannot send is told so, instead of waiting for what never comes.
        if (await Task.WhenAny(sending, receiving) == sending)
            await sending;
        await receiving;
        await sending;
        return BenchContext.Time.GetElapsedTime(start);
    }

    /// <summary>Sends through the writer, and waits for the last confirm.</summary>
    public static async Task SendAsync(Producer<ReadOnlyMemory<byte>> producer, byte[] payload, long count, Backlog? backlog = null)
    {
        var writer = producer.Writer;
        for (var i = 0L; i < count; i++)
        {
            if (backlog is not null)
                await backlog.BeforeSendAsync(i);
            while (!writer.TryWrite(payload))
                await writer.WaitToWriteAsync();
        }
        await producer.FlushAsync();
    }

    /// <summary>Takes so many messages and acks each by itself.</summary>
    public static async Task ReceiveAsync(Consumer<ReadOnlyMemory<byte>> consumer, long count, Backlog? backlog = null)
    {
        var (received, bytes) = (0L, 0L);
        await foreach (var delivery in consumer.ReadAllAsync())
        {
            bytes += delivery.Value.Length;
            await delivery.AckAsync();
            received++;
            backlog?.Received(received);
            if (received == count)
                break;
        }
        await consumer.FlushAcksAsync();
        if (bytes % received != 0)
            throw new InvalidDataException($"{received} messages brought {bytes} bytes.");
    }
}
