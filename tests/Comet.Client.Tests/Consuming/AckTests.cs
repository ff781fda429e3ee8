using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Tests.Consuming;

public class AckTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_acked_does_not_come_again_and_what_is_not_comes_with_a_higher_count()
    {
        await using var comet = await Topic10Async();
        await using (var consumer = await SubscribeAsync(comet))
        {
            for (var i = 0; i < 10; i++)
            {
                var delivery = await consumer.ReceiveAsync(Cancelled);
                Assert.Equal(($"{i}", 1), (delivery.Value, delivery.DeliveryCount));
                if (i % 2 == 0)
                    await delivery.AckAsync(Cancelled);
            }
        }

        await using var next = await SubscribeAsync(comet);
        foreach (var expected in new[] { "1", "3", "5", "7", "9" })
        {
            var delivery = await next.ReceiveAsync(Cancelled);
            Assert.Equal((expected, 2), (delivery.Value, delivery.DeliveryCount));
        }
        Assert.False(next.TryReceive(out _));
    }

    [Fact]
    public async Task WhenNextIsAsked_leaves_the_delivery_of_a_broken_loop_unacked()
    {
        await using var comet = await Topic10Async();
        await using (var consumer = await SubscribeAsync(comet))
        {
            await foreach (var delivery in consumer.ReadAllAsync(AckMode.WhenNextIsAsked, Cancelled))
            {
                if (delivery.Value == "4")
                    break;
            }
        }

        await using var next = await SubscribeAsync(comet);
        var again = await next.ReceiveAsync(Cancelled);
        Assert.Equal(("4", 2), (again.Value, again.DeliveryCount));
    }

    [Fact]
    public async Task A_nacked_message_comes_again_at_once_with_a_higher_count()
    {
        await using var comet = await Topic10Async();
        await using var consumer = await SubscribeAsync(comet, new() { ReceiveWindowMessages = 1 });
        var first = await consumer.ReceiveAsync(Cancelled);

        await first.NackAsync();

        var again = await consumer.ReceiveAsync(Cancelled);
        while (again.Value != "0")
            again = await consumer.ReceiveAsync(Cancelled);
        Assert.Equal(2, again.DeliveryCount);
    }

    [Fact]
    public async Task What_was_acked_before_it_was_given_back_does_not_come_again()
    {
        await using var comet = await Topic10Async();
        await using var consumer = await SubscribeAsync(comet, new() { AckLinger = TimeSpan.FromMinutes(1) });
        var first = await consumer.ReceiveAsync(Cancelled);

        await first.AckAsync(Cancelled);
        await first.NackAsync();

        for (var i = 1; i < 10; i++)
            Assert.Equal($"{i}", (await consumer.ReceiveAsync(Cancelled)).Value);
        // What the broker would have given back stands before this one.
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await producer.SendAsync("last", Cancelled);
        Assert.Equal("last", (await consumer.ReceiveAsync(Cancelled)).Value);
    }

    [Fact]
    public async Task A_message_nacked_with_a_delay_stays_away_until_that_is_over_by_the_brokers_clock()
    {
        var time = new FakeTimeProvider();
        await using var broker = new Comet.Server.CometBroker(time: time);
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport }, Cancelled);
        await using var consumer = await client.SubscribeAsync<string>(
            "t", "s", new() { Type = SubscriptionType.Shared }, cancellationToken: Cancelled);
        await using var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await producer.SendAsync("bad", Cancelled);
        await (await consumer.ReceiveAsync(Cancelled)).NackAsync(TimeSpan.FromSeconds(10));
        await Eventually.TopicAsync(client, "t", static t => t.Unacked() == 0);

        time.Advance(TimeSpan.FromSeconds(9.999));
        await producer.SendAsync("good", Cancelled);
        Assert.Equal("good", (await consumer.ReceiveAsync(Cancelled)).Value);
        // The broker's timer rounds up.
        time.Advance(TimeSpan.FromMilliseconds(2));

        var again = await consumer.ReceiveAsync(Cancelled);
        Assert.Equal(("bad", 2), (again.Value, again.DeliveryCount));
    }

    [Fact]
    public async Task A_cumulative_ack_acks_all_before_it()
    {
        await using var comet = await Topic10Async();
        await using (var consumer = await SubscribeAsync(comet))
        {
            for (var i = 0; i < 8; i++)
                await consumer.ReceiveAsync(Cancelled);
            await consumer.AckCumulativeAsync(new MessageId("t", 0, 6), Cancelled);
        }
        await using var next = await SubscribeAsync(comet);
        Assert.Equal("7", (await next.ReceiveAsync(Cancelled)).Value);
    }

    [Fact]
    public async Task A_shared_subscription_refuses_a_cumulative_ack()
    {
        await using var comet = await Topic10Async();
        await using var consumer = await SubscribeAsync(comet, new() { Type = SubscriptionType.Shared });
        var refused = await Assert.ThrowsAsync<CometException>(
            async () => await consumer.AckCumulativeAsync(new MessageId("t", 0, 1), Cancelled));
        Assert.Equal(ErrorCode.Unsupported, refused.Code);
    }

    [Fact]
    public async Task A_message_is_acked_by_its_id()
    {
        await using var comet = await Topic10Async();
        await using (var consumer = await SubscribeAsync(comet))
        {
            var delivery = await consumer.ReceiveAsync(Cancelled);
            await consumer.AckAsync(MessageId.Parse(delivery.Id.ToString()), Cancelled);
            foreach (var foreign in new[] { new MessageId("other", 0, 0), new MessageId("t", 1, 0), new MessageId("t", -1, 0) })
            {
                var refused = await Assert.ThrowsAsync<CometException>(async () => await consumer.AckAsync(foreign, Cancelled));
                Assert.Equal(ErrorCode.InvalidArgument, refused.Code);
            }
        }
        Assert.Equal(9, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task With_ConfirmAcks_the_broker_has_the_ack_when_the_call_returns()
    {
        await using var comet = await Topic10Async();
        await using var consumer = await SubscribeAsync(comet, new() { ConfirmAcks = true });
        for (var i = 1; i <= 10; i++)
        {
            var delivery = await consumer.ReceiveAsync(Cancelled);
            await (i == 10 ? consumer.AckCumulativeAsync(delivery.Id, Cancelled) : delivery.AckAsync(Cancelled));
            Assert.Equal(10 - i, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
        }
    }

    [Fact]
    public async Task Many_acks_at_once_are_all_confirmed()
    {
        await using var comet = await Topic10Async();
        await using var consumer = await SubscribeAsync(comet, new() { ConfirmAcks = true });
        var deliveries = await consumer.ReceiveBatchAsync(10, TimeSpan.FromMinutes(1), Cancelled);
        await Task.WhenAll(deliveries.Reverse().Select(static d => d.AckAsync(Cancelled).AsTask()));
        Assert.Equal(0, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task Acks_gather_until_their_linger_is_over_or_enough_of_them_are_there()
    {
        var time = new FakeTimeProvider();
        await using var comet = await Topic10Async(new() { TimeProvider = time });
        await using var consumer = await SubscribeAsync(comet, new() { MaxGatheredAcks = 3 });
        for (var i = 0; i < 2; i++)
            await (await consumer.ReceiveAsync(Cancelled)).AckAsync(Cancelled);
        Assert.Equal(10, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());

        await (await consumer.ReceiveAsync(Cancelled)).AckAsync(Cancelled);
        Assert.Equal(7, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());

        await (await consumer.ReceiveAsync(Cancelled)).AckAsync(Cancelled);
        Assert.Equal(7, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
        time.Advance(TimeSpan.FromMilliseconds(5));
        Assert.Equal(6, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task FlushAcksAsync_completes_when_the_broker_has_every_ack()
    {
        var time = new FakeTimeProvider();
        await using var comet = await Topic10Async(new() { TimeProvider = time });
        await using var consumer = await SubscribeAsync(comet);
        for (var i = 0; i < 10; i++)
            await (await consumer.ReceiveAsync(Cancelled)).AckAsync(Cancelled);
        await consumer.FlushAcksAsync(Cancelled);
        Assert.Equal(0, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task Acking_after_the_consumer_was_closed_throws_Closed()
    {
        await using var comet = await Topic10Async();
        var consumer = await SubscribeAsync(comet);
        var delivery = await consumer.ReceiveAsync(Cancelled);
        await consumer.DisposeAsync();
        Assert.Equal(ErrorCode.Closed, (await Assert.ThrowsAsync<CometException>(async () => await delivery.AckAsync(Cancelled))).Code);
        Assert.Equal(ErrorCode.Closed, (await Assert.ThrowsAsync<CometException>(async () => await delivery.NackAsync())).Code);
    }

    private static Task<Consumer<string>> SubscribeAsync(Embedded comet, ConsumerOptions<string>? options = null) =>
        comet.Client.SubscribeAsync("t", "s", (options ?? new()) with { StartPosition = StartPosition.Earliest }, Cancelled);

    /// <summary>A topic with the values 0 to 9.</summary>
    private static async Task<Embedded> Topic10Async(CometClientOptions? options = null)
    {
        var comet = await Embedded.StartAsync(options: options);
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < 10; i++)
            await producer.SendAsync($"{i}", Cancelled);
        return comet;
    }
}
