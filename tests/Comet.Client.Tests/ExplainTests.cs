namespace Comet.Client.Tests;

public class ExplainTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_subscription_is_explained_with_its_consumers_in_every_partition()
    {
        await using var comet = await Embedded.StartAsync();
        await comet.Client.Topics.CreateAsync("t", 2, cancellationToken: Cancelled);
        var options = new ConsumerOptions<string> { Type = SubscriptionType.Shared, ConsumerName = "worker", ReceiveWindowMessages = 4 };
        await using var consumer = await comet.Client.SubscribeAsync("t", "s", options, Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < 10; i++)
            await producer.SendAsync($"{i}", Cancelled);
        await Eventually.TopicAsync(comet.Client, "t", static t => t.Unacked() == 4);

        var explained = await comet.Client.Subscriptions.ExplainAsync("t", "s", Cancelled);

        Assert.Equal(("t", "s", SubscriptionType.Shared, 10), (explained.Topic, explained.Subscription, explained.Type, explained.Backlog));
        Assert.Equal([0, 1], explained.Partitions.Select(static p => p.Partition));
        Assert.All(explained.Partitions, static p =>
        {
            Assert.Equal((WaitReason.NoPermits, 2, "worker", 0), (p.Reason, p.NextOffset, p.Holder, p.OldestUnackedOffset));
            Assert.Equal(("worker", true, 0, 2, 1), p.Consumers.Select(static c =>
                (c.Name, c.IsReading, c.Permits, c.Unacked, c.LastDispatchedOffset)).Single());
            Assert.True(p.OldestUnackedAge >= TimeSpan.Zero);
        });
    }

    [Fact]
    public async Task What_is_not_there_is_not_explained()
    {
        await using var comet = await Embedded.StartAsync();
        await comet.Client.Topics.CreateAsync("t", 2, cancellationToken: Cancelled);
        Assert.Equal(ErrorCode.SubscriptionNotFound, await FailAsync("t", "s"));
        Assert.Equal(ErrorCode.TopicNotFound, await FailAsync("x", "s"));
        Assert.Equal(ErrorCode.InvalidName, await FailAsync("t", "no name"));

        async Task<ErrorCode> FailAsync(string topic, string subscription) => (await Assert.ThrowsAsync<CometException>(
            () => comet.Client.Subscriptions.ExplainAsync(topic, subscription, Cancelled))).Code;
    }

    [Fact]
    public async Task The_broker_counts_what_goes_through_a_topic()
    {
        var topic = $"counted-{Guid.NewGuid():N}";
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>(topic, "s", cancellationToken: Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync<string>(topic, cancellationToken: Cancelled);
        for (var i = 0; i < 3; i++)
            await producer.SendAsync($"{i}", Cancelled);
        await (await consumer.ReceiveAsync(Cancelled)).NackAsync();
        for (var i = 0; i < 3; i++)
            await (await consumer.ReceiveAsync(Cancelled)).AckAsync(Cancelled);
        await consumer.FlushAcksAsync(Cancelled);

        using var counters = new Counters(CometDiagnostics.ServerMeterName, topic);
        Assert.Equal((3, 3), (counters[CometDiagnostics.ServerMessagesStored], counters[CometDiagnostics.ServerMessagesAcked]));
        var redelivered = counters[CometDiagnostics.ServerMessagesRedelivered];
        Assert.InRange(redelivered, 1, 3);
        Assert.Equal(3 + redelivered, counters[CometDiagnostics.ServerMessagesDelivered]);
    }
}
