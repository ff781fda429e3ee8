namespace Comet.Client.Tests.Consuming;

public class SubscriptionTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_exclusive_subscription_refuses_a_second_consumer_until_the_first_goes()
    {
        await using var comet = await Embedded.StartAsync();
        var first = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        Assert.Equal(ErrorCode.ConsumerBusy, (await RefusedAsync(comet, new())).Code);
        await first.DisposeAsync();
        await using var second = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
    }

    [Fact]
    public async Task All_consumers_of_a_subscription_say_the_same_type()
    {
        await using var comet = await Embedded.StartAsync();
        await using var first = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        Assert.Equal(ErrorCode.SubscriptionTypeMismatch, (await RefusedAsync(comet, new() { Type = SubscriptionType.Shared })).Code);
    }

    [Fact]
    public async Task A_consumers_name_is_taken_once_over_one_connection_and_passes_on_over_another()
    {
        await using var comet = await Embedded.StartAsync();
        var options = new ConsumerOptions<string> { Type = SubscriptionType.Shared, ConsumerName = "c" };
        await using var first = await comet.Client.SubscribeAsync("t", "s", options, Cancelled);
        Assert.Equal(ErrorCode.ConsumerNameTaken, (await RefusedAsync(comet, options)).Code);

        await using var other = await CometClient.ConnectAsync(new CometClientOptions { Transport = comet.Broker.Transport }, Cancelled);
        await using var second = await other.SubscribeAsync("t", "s", options, Cancelled);

        await first.State.WaitForAsync(ConsumerState.Faulted, Cancelled);
        Assert.Equal(ErrorCode.ConsumerNameTaken, first.State.Fault!.Code);
        await using var producer = await other.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await producer.SendAsync("a", Cancelled);
        Assert.Equal("a", (await second.ReceiveAsync(Cancelled)).Value);
    }

    [Fact]
    public async Task A_shared_subscription_spreads_messages_and_hands_on_what_a_consumer_leaves_behind()
    {
        const int Count = 400;
        await using var comet = await Embedded.StartAsync();
        var options = new ConsumerOptions<string> { Type = SubscriptionType.Shared, ReceiveWindowMessages = Count / 2 };
        var first = await comet.Client.SubscribeAsync("t", "s", options, Cancelled);
        await using var second = await comet.Client.SubscribeAsync("t", "s", options with { ReceiveWindowMessages = Count }, Cancelled);
        await SendAsync(comet, Count);
        await Eventually.TopicAsync(comet.Client, "t", static t => t.Unacked() == Count);
        var values = new List<(string Value, int DeliveryCount)>();
        while (first.TryReceive(out var delivery))
        {
            values.Add((delivery.Value, delivery.DeliveryCount));
            await delivery.AckAsync(Cancelled);
            if (values.Count == 50)
                break;
        }
        Assert.Equal(50, values.Count);
        await first.DisposeAsync();
        for (var i = 50; i < Count; i++)
        {
            var delivery = await second.ReceiveAsync(Cancelled);
            values.Add((delivery.Value, delivery.DeliveryCount));
        }

        Assert.Equal(Enumerable.Range(0, Count).Select(static i => $"{i}").Order(), values.Select(static v => v.Value).Order());
        Assert.InRange(values.Count(static v => v.DeliveryCount == 2), 50, 200);
    }

    [Fact]
    public async Task Unsubscribing_removes_the_place_in_the_topic()
    {
        await using var comet = await Embedded.StartAsync(new() { DefaultPartitionCount = 2 });
        var options = new ConsumerOptions<string> { StartPosition = StartPosition.Earliest };
        var consumer = await comet.Client.SubscribeAsync("t", "s", options, Cancelled);
        await SendAsync(comet, 10);
        for (var i = 0; i < 10; i++)
            await (await consumer.ReceiveAsync(Cancelled)).AckAsync(Cancelled);
        var inUse = await Assert.ThrowsAsync<CometException>(() => comet.Client.UnsubscribeAsync("t", "s", Cancelled));
        Assert.Equal(ErrorCode.SubscriptionInUse, inUse.Code);

        await consumer.UnsubscribeAsync(Cancelled);

        Assert.Empty((await comet.Client.Topics.DescribeAsync("t", Cancelled)).Subscriptions);
        var gone = await Assert.ThrowsAsync<CometException>(() => comet.Client.UnsubscribeAsync("t", "s", Cancelled));
        Assert.Equal(ErrorCode.SubscriptionNotFound, gone.Code);
        await using var anew = await comet.Client.SubscribeAsync("t", "s", options, Cancelled);
        Assert.Equal(1, (await anew.ReceiveAsync(Cancelled)).DeliveryCount);
    }

    [Fact]
    public async Task Subscriptions_and_readers_begin_where_they_are_told()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await using var broker = new Comet.Server.CometBroker(time: time);
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport }, Cancelled);
        await using var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < 5; i++)
        {
            await producer.SendAsync($"{i}", Cancelled);
            time.Advance(TimeSpan.FromSeconds(1));
        }
        var starts = new (StartPosition Start, string Expected)[]
        {
            (StartPosition.Earliest, "0"), (StartPosition.FromOffset(2), "2"), (StartPosition.FromOffset(99), "new"),
                (StartPosition.Latest, "new"),
            (StartPosition.FromTime(new DateTimeOffset(2020, 1, 1, 0, 0, 2, 500, TimeSpan.Zero)), "3"),
            (StartPosition.FromTime(new DateTimeOffset(2020, 1, 1, 0, 0, 3, TimeSpan.Zero)), "3"),
            (StartPosition.FromTime(new DateTimeOffset(2021, 1, 1, 0, 0, 3, TimeSpan.Zero)), "new"),
        };
        var receiving = new List<(Task<Delivery<string>> First, string Expected)>();
        foreach (var (start, expected) in starts)
        {
            var consumer = await client.SubscribeAsync<string>("t", $"s{receiving.Count}", new() { StartPosition = start }, Cancelled);
            receiving.Add((consumer.ReceiveAsync(Cancelled).AsTask(), expected));
            var reader = await client.CreateReaderAsync<string>("t", new() { StartPosition = start }, Cancelled);
            receiving.Add((reader.ReceiveAsync(Cancelled).AsTask(), expected));
        }
        await producer.SendAsync("new", Cancelled);
        foreach (var (first, expected) in receiving)
            Assert.Equal(expected, (await first).Value);
    }

    [Fact]
    public async Task A_reader_leaves_nothing_on_the_broker_and_its_acks_do_nothing()
    {
        await using var comet = await Embedded.StartAsync();
        await SendAsync(comet, 3);
        await using (var reader = await comet.Client.CreateReaderAsync<string>("t", cancellationToken: Cancelled))
        {
            var delivery = await reader.ReceiveAsync(Cancelled);
            await delivery.AckAsync(Cancelled);
            await delivery.NackAsync();
            Assert.Equal("1", (await reader.ReceiveAsync(Cancelled)).Value);
        }
        Assert.Empty((await comet.Client.Topics.DescribeAsync("t", Cancelled)).Subscriptions);
    }

    [Theory]
    [InlineData(1, 10)]
    [InlineData(1, 1)]
    [InlineData(4, 1)]
    [InlineData(4, 40)]
    public async Task A_consumer_that_does_not_read_leaves_at_most_its_window_delivered(int partitions, int window)
    {
        await using var comet = await Embedded.StartAsync(new() { DefaultPartitionCount = partitions });
        var options = new ConsumerOptions<string> { ReceiveWindowMessages = window };
        await using var consumer = await comet.Client.SubscribeAsync("t", "s", options, Cancelled);
        await SendAsync(comet, 1_000);
        var share = Math.Max(1, window / partitions);

        var topic = await Eventually.TopicAsync(comet.Client, "t", t => t.Subscriptions.All(s => s.Unacked == share && s.Permits == 0));
        Assert.Equal(1_000, topic.Backlog());

        // What is taken out of the stream makes room, and no more than that.
        for (var i = 0; i < partitions; i++)
            await consumer.ReceiveAsync(Cancelled);
        topic = await comet.Client.Topics.DescribeAsync("t", Cancelled);
        Assert.InRange(topic.Unacked(), share * partitions, (share * partitions) + partitions);
    }

    [Fact]
    public async Task Bytes_bound_the_window_too()
    {
        await using var comet = await Embedded.StartAsync();
        var options = new ConsumerOptions<byte[]> { ReceiveWindowBytes = 10_000 };
        await using var consumer = await comet.Client.SubscribeAsync("t", "s", options, Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync("t",
            new ProducerOptions<byte[]> { MaxBatchMessages = 1 }, Cancelled);
        for (var i = 0; i < 100; i++)
            await producer.SendAsync(new byte[1_000], Cancelled);
        Assert.InRange((await comet.Client.Topics.DescribeAsync("t", Cancelled)).Unacked(), 9, 11);
        for (var i = 0; i < 100; i++)
            await (await consumer.ReceiveAsync(Cancelled)).AckAsync(Cancelled);
    }

    private static async Task<CometException> RefusedAsync(Embedded comet, ConsumerOptions<string> options) =>
        await Assert.ThrowsAsync<CometException>(() => comet.Client.SubscribeAsync("t", "s", options, Cancelled));

    private static async Task SendAsync(Embedded comet, int count)
    {
        var options = new ProducerOptions<string> { Router = static (message, partitions) => int.Parse(message.Value, null) % partitions };
        await using var producer = await comet.Client.CreateProducerAsync("t", options, Cancelled);
        for (var i = 0; i < count; i++)
            await producer.Writer.WriteAsync($"{i}", Cancelled);
    }
}
