using Comet.Client;

namespace Comet.Cli.Bench;

/// <summary>A backlog of messages of a thousand keys, taken by eight consumers of one subscription that ack each message by
/// itself.</summary>
internal static class SharingScenarios
{
    private const string Subscription = "bench";
    private const int Consumers = 8;
    private const int Keys = 1_000;

    public static Task<BenchResult> SharedAsync(BenchContext context) => RunAsync(context, "shared-8", SubscriptionType.Shared);

    public static Task<BenchResult> KeySharedAsync(BenchContext context) => RunAsync(context, "key-shared-8", SubscriptionType.KeyShared);

    private static Task<BenchResult> RunAsync(BenchContext context, string name, SubscriptionType type) =>
        context.MeasureRateAsync(name, context.Count(500_000), async (topic, count) =>
        {
            var options = new ConsumerOptions<ReadOnlyMemory<byte>> { Type = type };
            await using (await context.Client.SubscribeAsync(topic, Subscription, options))
            {
                // The subscription stays, so that the broker keeps the messages.
            }
            await FillAsync(context, topic, count);
            var consumers = new List<Consumer<ReadOnlyMemory<byte>>>();
            for (var i = 0; i < Consumers; i++)
                consumers.Add(await context.Client.SubscribeAsync(topic, Subscription, options));
            var left = count;
            var start = BenchContext.Time.GetTimestamp();
            await Task.WhenAll(consumers.Select(consumer => Task.Run(() => ReceiveAsync(consumer))));
            var elapsed = BenchContext.Time.GetElapsedTime(start);
            foreach (var consumer in consumers)
                await consumer.DisposeAsync();
            return elapsed;

            async Task ReceiveAsync(Consumer<ReadOnlyMemory<byte>> consumer)
            {
                await foreach (var delivery in consumer.ReadAllAsync())
                {
                    await delivery.AckAsync();
                    if (Interlocked.Decrement(ref left) == 0)
                        await Task.WhenAll(consumers.Select(static c => c.DisposeAsync().AsTask()));
                }
            }
        });

    private static async Task FillAsync(BenchContext context, string topic, long count)
    {
        await using var producer = await context.Client.CreateProducerAsync<ReadOnlyMemory<byte>>(topic);
        var keys = Enumerable.Range(0, Keys).Select(static i => $"key-{i}").ToArray();
        ReadOnlyMemory<byte> payload = context.Payload();
        for (var i = 0L; i < count; i++)
            await producer.EnqueueAsync(new OutgoingMessage<ReadOnlyMemory<byte>>(payload) { Key = keys[i % Keys] });
        await producer.FlushAsync();
    }
}
