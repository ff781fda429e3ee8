using Comet.Client;

namespace Comet.Cli.Bench;

/// <summary>Messages of a thousand keys, taken by eight consumers of one subscription that ack each message by itself: while they are
/// sent, or as a backlog that is there before the consumers come.</summary>
internal static class SharingScenarios
{
    private const string Subscription = "bench";
    private const int Consumers = 8;
    private const int Keys = 1_000;

    public static Task<BenchResult> SharedAsync(BenchContext context) => PassAsync(context, "shared-8", SubscriptionType.Shared);

    public static Task<BenchResult> KeySharedAsync(BenchContext context) => PassAsync(context, "key-shared-8", SubscriptionType.KeyShared);

    public static Task<BenchResult> DrainSharedAsync(BenchContext context) =>
        DrainAsync(context, "drain-shared-8", SubscriptionType.Shared);

    public static Task<BenchResult> DrainKeySharedAsync(BenchContext context) =>
        DrainAsync(context, "drain-key-shared-8", SubscriptionType.KeyShared);

    private static Task<BenchResult> PassAsync(BenchContext context, string name, SubscriptionType type) =>
        context.MeasureRateAsync(name, context.Count(1_000_000), async (topic, count) =>
        {
            var consumers = await SubscribeAsync(context, topic, type);
            await using var producer = await context.Client.CreateProducerAsync<ReadOnlyMemory<byte>>(topic);
            using var backlog = new Backlog();
            var start = BenchContext.Time.GetTimestamp();
            var sending = Task.Run(() => SendAsync(producer, context.Payload(), count, backlog));
            await ReceiveAsync(consumers, count, backlog);
            await sending;
            return BenchContext.Time.GetElapsedTime(start);
        });

    private static Task<BenchResult> DrainAsync(BenchContext context, string name, SubscriptionType type) =>
        context.MeasureRateAsync(name, context.Count(500_000), async (topic, count) =>
        {
            // The subscription is there, so that the broker keeps the messages.
            await context.Client.Subscriptions.CreateAsync(topic, Subscription, type);
            await using (var producer = await context.Client.CreateProducerAsync<ReadOnlyMemory<byte>>(topic))
                await SendAsync(producer, context.Payload(), count, null);
            var start = BenchContext.Time.GetTimestamp();
            await ReceiveAsync(await SubscribeAsync(context, topic, type), count, null);
            return BenchContext.Time.GetElapsedTime(start);
        });

    private static async Task<List<Consumer<ReadOnlyMemory<byte>>>> SubscribeAsync(
        BenchContext context, string topic, SubscriptionType type)
    {
        var options = new ConsumerOptions<ReadOnlyMemory<byte>> { Type = type };
        var consumers = new List<Consumer<ReadOnlyMemory<byte>>>();
        for (var i = 0; i < Consumers; i++)
            consumers.Add(await context.Client.SubscribeAsync(topic, Subscription, options));
        return consumers;
    }

    private static async Task SendAsync(
        Producer<ReadOnlyMemory<byte>> producer, ReadOnlyMemory<byte> payload, long count, Backlog? backlog)
    {
        var keys = Enumerable.Range(0, Keys).Select(static i => $"key-{i}").ToArray();
        for (var i = 0L; i < count; i++)
        {
            if (backlog is not null)
                await backlog.BeforeSendAsync(i);
            await producer.EnqueueAsync(new OutgoingMessage<ReadOnlyMemory<byte>>(payload) { Key = keys[i % Keys] });
        }
        await producer.FlushAsync();
    }

    /// <summary>Takes and acks all of them, each consumer on its own; then the consumers are disposed.</summary>
    private static Task ReceiveAsync(List<Consumer<ReadOnlyMemory<byte>>> consumers, long count, Backlog? backlog)
    {
        var received = 0L;
        return Task.WhenAll(consumers.Select(consumer => Task.Run(async () =>
        {
            await foreach (var delivery in consumer.ReadAllAsync())
            {
                await delivery.AckAsync();
                var number = Interlocked.Increment(ref received);
                backlog?.Received(number);
                if (number == count)
                    await Task.WhenAll(consumers.Select(static c => c.DisposeAsync().AsTask()));
            }
        })));
    }
}
