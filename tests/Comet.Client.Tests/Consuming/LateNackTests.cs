using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Tests.Consuming;

/// <summary>A consumer that was given a message again, after its lease was over, still has the delivery of before: what it says of that one
/// is not said of the newer one.</summary>
public class LateNackTests
{
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(10);
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Giving_back_or_up_what_was_lost_leaves_the_newer_delivery_alone()
    {
        await using var comet = await StartAsync();
        await using var consumer = await SubscribeAsync(comet, new() { Type = SubscriptionType.Shared });
        await SendAsync(comet, "m");
        var (lost, again) = await LoseAsync(consumer);

        await lost.NackAsync(TimeSpan.Zero);
        await new[] { lost }.NackAllAsync(TimeSpan.Zero);
        await lost.DeadLetterAsync();

        var subscription = (await comet.Client.Topics.DescribeAsync("orders", Cancelled)).Subscriptions[0];
        Assert.Equal((1, 0), (subscription.Unacked, subscription.DeadLettering));
        Assert.False(consumer.TryReceive(out _));
        Assert.False(again.IsLeaseLost);
        await again.NackAsync(TimeSpan.Zero);
        Assert.Equal(3, (await consumer.ReceiveAsync(Cancelled)).DeliveryCount);
    }

    [Fact]
    public async Task Extending_what_was_lost_does_not_extend_the_newer_delivery()
    {
        await using var comet = await StartAsync();
        await using var consumer = await SubscribeAsync(comet, new() { Type = SubscriptionType.Exclusive });
        await SendAsync(comet, "m");
        var (lost, _) = await LoseAsync(consumer);
        _time.Advance(s_lease * 0.9);

        await lost.ExtendAsync();

        await comet.Client.Topics.DescribeAsync("orders", Cancelled);
        _time.Advance(s_lease * 0.2);
        Assert.Equal(3, (await consumer.ReceiveAsync(Cancelled)).DeliveryCount);
    }

    [Fact]
    public async Task An_ack_of_what_was_lost_still_counts()
    {
        await using var comet = await StartAsync();
        await using var consumer = await SubscribeAsync(comet, new() { Type = SubscriptionType.Shared, ConfirmAcks = true });
        await SendAsync(comet, "m");
        var (lost, again) = await LoseAsync(consumer);

        await lost.AckAsync(Cancelled);

        Assert.Equal(0, (await comet.Client.Topics.DescribeAsync("orders", Cancelled)).Backlog());
        await again.NackAsync(TimeSpan.Zero);
        Assert.Equal(0, (await comet.Client.Topics.DescribeAsync("orders", Cancelled)).Backlog());
    }

    /// <summary>What is cut out of a stored batch has the offsets of the whole; what it does not hold is no business of its own.</summary>
    [Fact]
    public async Task Acks_by_id_of_one_part_of_a_batch_do_not_end_the_extension_of_another()
    {
        await using var comet = await StartAsync();
        await using var consumer = await SubscribeAsync(comet, new()
        {
            Type = SubscriptionType.Shared, ReceiveWindowMessages = 2, MaxLeaseExtension = TimeSpan.FromMinutes(1),
        });
        await SendAsync(comet, "0", "1", "2", "3");
        var taken = new List<Delivery<string>>();
        while (taken.Count < 4)
            taken.Add(await consumer.ReceiveAsync(Cancelled));
        await consumer.AckAsync(taken[0].Id, Cancelled);
        await consumer.AckAsync(taken[1].Id, Cancelled);
        await consumer.FlushAcksAsync(Cancelled);

        for (var passed = 0; passed < 20; passed++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await comet.Client.Topics.DescribeAsync("orders", Cancelled);
        }

        Assert.False(taken[2].IsLeaseLost || taken[3].IsLeaseLost);
        Assert.False(consumer.TryReceive(out _));
    }

    /// <summary>With every second message acked there are as many ranges as one frame of an extension takes, and nothing behind them: the
    /// frame goes out all the same.</summary>
    [Fact]
    public async Task Extensions_that_fill_a_frame_are_sent()
    {
        const int messages = 2 * 4_096;
        await using var comet = await StartAsync();
        // What is asked on the consumer's own connection would take along what waits there.
        await using var observer = await CometClient.ConnectAsync(
            new CometClientOptions
            {
                Transport = comet.Broker.Transport, TimeProvider = _time, OperationTimeout = TimeSpan.FromDays(1),
            }, Cancelled);
        await using var consumer = await SubscribeAsync(comet, new()
        {
            Type = SubscriptionType.Shared, ReceiveWindowMessages = 2 * messages, MaxLeaseExtension = TimeSpan.FromMinutes(1),
        });
        await SendAsync(comet, [.. Enumerable.Range(0, messages).Select(static i => $"{i}")]);
        for (var i = 0; i < messages; i++)
        {
            var delivery = await consumer.ReceiveAsync(Cancelled);
            if (i % 2 != 0)
                await delivery.AckAsync(Cancelled);
        }
        await consumer.FlushAcksAsync(Cancelled);

        var begun = await LeaseEndAsync(observer);
        _time.Advance(s_lease * 0.5);
        while (await LeaseEndAsync(observer) == begun)
            await observer.PingAsync(Cancelled);
    }

    private static async Task<DateTimeOffset?> LeaseEndAsync(CometClient client) =>
        (await client.Subscriptions.ExplainAsync("orders", "billing", Cancelled)).Partitions[0].Until;

    private async Task<(Delivery<string> Lost, Delivery<string> Again)> LoseAsync(Consumer<string> consumer)
    {
        var lost = await consumer.ReceiveAsync(Cancelled);
        _time.Advance(s_lease);
        var again = await consumer.ReceiveAsync(Cancelled);
        Assert.Equal((1, 2), (lost.DeliveryCount, again.DeliveryCount));
        Assert.True(lost.IsLeaseLost);
        return (lost, again);
    }

    private Task<Embedded> StartAsync() => Embedded.StartAsync(
        new() { HeartbeatInterval = TimeSpan.FromHours(1) }, new() { OperationTimeout = TimeSpan.FromDays(1) }, _time);

    /// <summary>Stores values as one batch.</summary>
    private async Task SendAsync(Embedded comet, params string[] values)
    {
        await using var producer = await comet.Client.CreateProducerAsync<string>(
            "orders", new() { Linger = TimeSpan.FromSeconds(1) }, Cancelled);
        var sent = values.Select(value => producer.SendAsync(value, Cancelled).AsTask()).ToArray();
        _time.Advance(TimeSpan.FromSeconds(1));
        await Task.WhenAll(sent);
    }

    private static Task<Consumer<string>> SubscribeAsync(Embedded comet, ConsumerOptions<string> options) =>
        comet.Client.SubscribeAsync("orders", "billing", options with
        {
            LeaseDuration = s_lease,
            MaxLeaseExtension = options.MaxLeaseExtension == new ConsumerOptions<string>().MaxLeaseExtension
                ? TimeSpan.Zero : options.MaxLeaseExtension,
        }, Cancelled);
}
