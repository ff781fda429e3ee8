using System.Collections.Concurrent;

namespace Comet.Client.Tests.Consuming;

public class KeySharedTests
{
    private const int Keys = 50;
    private const int Messages = 5_000;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_key_is_with_one_consumer_at_a_time_and_in_order_while_consumers_come_and_go()
    {
        await using var comet = await Embedded.StartAsync();
        var account = new Account();
        var stays = await SubscribeAsync(comet, "stays");
        var goes = await SubscribeAsync(comet, "goes");
        var loops = new List<Task> { account.RunAsync(stays), account.RunAsync(goes) };
        await using var producer = await comet.Client.CreateProducerAsync<string>("orders", null, Cancelled);
        for (var i = 0; i < Messages; i++)
        {
            await producer.EnqueueAsync(new OutgoingMessage<string>($"{i}") { Key = $"k{i % Keys}" }, Cancelled);
            if (i == Messages / 3)
                loops.Add(account.RunAsync(await SubscribeAsync(comet, "comes")));
            else if (i == Messages / 2)
            {
                // On a busy machine its loop may not have run yet.
                await account.ShareOf("goes").WaitAsync(Cancelled);
                await goes.DisposeAsync();
            }
        }
        await account.AllSeen.WaitAsync(Cancelled);
        await account.ShareOf("comes").WaitAsync(Cancelled);
        await comet.Client.DisposeAsync();
        await Task.WhenAll(loops);
        await account.ShareOf("stays").WaitAsync(Cancelled);
    }

    [Fact]
    public async Task Messages_without_a_key_are_spread_over_the_consumers()
    {
        await using var comet = await Embedded.StartAsync();
        await using var left = await SubscribeAsync(comet, "left");
        await using var right = await SubscribeAsync(comet, "right");
        await using var producer = await comet.Client.CreateProducerAsync<string>("orders", null, Cancelled);
        for (var i = 0; i < 1_000; i++)
            await producer.EnqueueAsync(new OutgoingMessage<string>($"{i}"), Cancelled);
        await producer.FlushAsync(Cancelled);
        for (var i = 0; i < 300; i++)
        {
            await left.ReceiveAsync(Cancelled);
            await right.ReceiveAsync(Cancelled);
        }
    }

    private static Task<Consumer<string>> SubscribeAsync(Embedded comet, string name) => comet.Client.SubscribeAsync<string>(
        "orders", "billing", new() { Type = SubscriptionType.KeyShared, ConsumerName = name }, Cancelled);

    /// <summary>What was seen of each key. A message that comes again, because its consumer went before its ack, is told by its
    /// count.</summary>
    private sealed class Account
    {
        private readonly ConcurrentDictionary<string, int> _last = new();
        private readonly ConcurrentDictionary<string, string> _holders = new();
        private readonly TaskCompletionSource _allSeen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ConcurrentDictionary<string, TaskCompletionSource> _shares = new();
        private int _seen;

        public Task AllSeen => _allSeen.Task;

        /// <summary>Completes when a consumer has had its first message.</summary>
        public Task ShareOf(string consumer) => FirstOf(consumer).Task;

        public async Task RunAsync(Consumer<string> consumer)
        {
            try
            {
                await foreach (var delivery in consumer.ReadAllAsync(Cancelled))
                {
                    var (key, value) = (delivery.Key!, int.Parse(delivery.Value, System.Globalization.CultureInfo.InvariantCulture));
                    Assert.True(_holders.TryAdd(key, consumer.Name), $"{key} is with two consumers.");
                    FirstOf(consumer.Name).TrySetResult();
                    var last = _last.GetValueOrDefault(key, -1);
                    Assert.True(value > last || delivery.DeliveryCount > 1, $"{value} of {key} came after {last}.");
                    if (value > last)
                        Count(key, value);
                    _holders.TryRemove(key, out _);
                    await delivery.AckAsync(Cancelled);
                }
            }
            catch (CometException e) when (e.Code == ErrorCode.Closed)
            {
                // Closed between taking and acking.
            }
            catch (Exception e)
            {
                _allSeen.TrySetException(e);
            }
        }

        private TaskCompletionSource FirstOf(string consumer) =>
            _shares.GetOrAdd(consumer, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));

        private void Count(string key, int value)
        {
            _last[key] = value;
            if (Interlocked.Increment(ref _seen) == Messages)
                _allSeen.TrySetResult();
        }
    }
}
