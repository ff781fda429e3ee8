namespace Comet.Client.Tests.Consuming;

public class ManyTopicsTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_stream_brings_the_messages_of_all_topics_and_acks_go_to_where_they_came_from()
    {
        await using var comet = await Embedded.StartAsync();
        await comet.Client.Topics.CreateAsync("b", partitions: 3, cancellationToken: Cancelled);
        await using (var consumer = await comet.Client.SubscribeAsync<string>(["a", "b", "c"], "s", null, Cancelled))
        {
            Assert.Equal(5, consumer.PartitionCount);
            Assert.Equal(["a", "b", "c"], consumer.Topics);
            foreach (var topic in consumer.Topics)
                await SendAsync(comet, topic, 30);
            for (var i = 0; i < 90; i++)
            {
                var delivery = await consumer.ReceiveAsync(Cancelled);
                Assert.StartsWith(delivery.Id.Topic, delivery.Value, StringComparison.Ordinal);
                if (i % 2 == 0)
                    await delivery.AckAsync(Cancelled);
                else if (i % 3 == 0)
                    await consumer.AckAsync(delivery.Id, Cancelled);
            }
        }
        var backlog = 0L;
        foreach (var topic in new[] { "a", "b", "c" })
            backlog += (await comet.Client.Topics.DescribeAsync(topic, Cancelled)).Backlog();
        Assert.Equal(30, backlog);
    }

    [Fact]
    public async Task A_busy_topic_does_not_keep_a_quiet_one_waiting()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>(["busy", "quiet"], "s", null, Cancelled);
        for (var i = 0; i < 20; i++)
            await SendAsync(comet, "busy", 100);
        await SendAsync(comet, "quiet", 1);
        await Eventually.TopicAsync(comet.Client, "quiet", static t => t.Unacked() == 1);
        var before = 0;
        while ((await consumer.ReceiveAsync(Cancelled)).Id.Topic != "quiet")
            before++;
        Assert.InRange(before, 0, 200);
    }

    [Fact]
    public async Task A_pattern_stands_for_the_topics_that_begin_so()
    {
        await using var comet = await Embedded.StartAsync();
        foreach (var topic in new[] { "orders/eu", "orders/us", "orders-x" })
            await comet.Client.Topics.CreateAsync(topic, cancellationToken: Cancelled);
        await using var consumer = await comet.Client.SubscribeAsync<string>("orders/*", "s", null, Cancelled);
        Assert.Equal(["orders/eu", "orders/us"], consumer.Topics);
        var none = await Assert.ThrowsAsync<CometException>(() => comet.Client.SubscribeAsync<string>("none/*", "s", null, Cancelled));
        Assert.Equal(ErrorCode.TopicNotFound, none.Code);
    }

    private static async Task SendAsync(Embedded comet, string topic, int count)
    {
        await using var producer = await comet.Client.CreateProducerAsync<string>(topic, null, Cancelled);
        for (var i = 0; i < count; i++)
            await producer.EnqueueAsync(new OutgoingMessage<string>($"{topic}{i}"), Cancelled);
        await producer.FlushAsync(Cancelled);
    }
}
