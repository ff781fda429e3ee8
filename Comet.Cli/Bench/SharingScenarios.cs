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
        context.MeasureRateAsync(name, context.Count(1_000_000), async (topic, count) =>
        {
            var options = new ConsumerOptions<ReadOnlyMemory<byte>> { Type = type };
            var consumers = new List<Consumer<ReadOnlyMemory<byte>>>();
            for (var i = 0; i < Consumers; i++)
                consumers.Add(await context.Client.SubscribeAsync(topic, Subscription, options));
            await using var producer = await context.Client.CreateProducerAsync<ReadOnlyMemory<byte>>(topic);
            using var backlog = new Backlog();
            var received = 0L;
            var start = BenchContext.Time.GetTimestamp();
            var sending = Task.Run(() => SendAsync(producer, context.Payload(), count, backlog));
            await Task.WhenAll(consumers.Select(consumer => Task.Run(() => ReceiveAsync(consumer))));
            await sending;
            return BenchContext.Time.GetElapsedTime(start);

            async Task ReceiveAsync(Consumer<ReadOnlyMemory<byte>> consumer)
            {
                await foreach (var delivery in consumer.ReadAllAsync())
                {
                    await delivery.AckAsync();
                    var number = Interlocked.Increment(ref received);
                    backlog.Received(number);
                    if (number == count)
                        await Task.WhenAll(consumers.Select(static c => c.DisposeAsync().AsTask()));
                }
            }
        });

    private static async Task SendAsync(Producer<ReadOnlyMemory<byte>> producer, ReadOnlyMemory<byte> payload, long count, Backlog backlog)
    {
        var keys = Enumerable.Range(0, Keys).Select(static i => $"key-{i}").ToArray();
        for (var i = 0L; i < count; i++)
        {
            await backlog.BeforeSendAsync(i);
            await producer.EnqueueAsync(new OutgoingMessage<ReadOnlyMemory<byte>>(payload) { Key = keys[i % Keys] });
        }
        await producer.FlushAsync();
    }
}
