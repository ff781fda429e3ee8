using Comet.Client.Tests.Scripted;

namespace Comet.Client.Tests.Consuming;

public class SeekTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    public async Task After_a_seek_the_stream_goes_on_at_the_new_place_in_every_partition(int partitions, bool byAdministration)
    {
        await using var host = await Embedded.StartAsync(new() { DefaultPartitionCount = partitions });
        await SendAsync(host.Client, 60);
        await using var consumer = await host.Client.SubscribeAsync<string>("t", "s", Earliest, Cancelled);
        for (var i = 0; i < 40; i++)
            await (await consumer.ReceiveAsync(Cancelled)).AckAsync(Cancelled);
        if (byAdministration)
            await host.Client.Subscriptions.SeekAsync("t", "s", StartPosition.Earliest, Cancelled);
        else
            await consumer.SeekAsync(StartPosition.Earliest, Cancelled);
        // Nothing of what had arrived before is handed out any more: all of it comes, each message once.
        var values = new List<string>();
        while (values.Count < 60)
            values.Add((await consumer.ReceiveAsync(Cancelled)).Value);
        Assert.Equal(Enumerable.Range(0, 60).Select(Text).Order(), values.Order());
        await consumer.SeekAsync(StartPosition.Latest, Cancelled);
        await using var producer = await host.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await producer.SendAsync("new", Cancelled);
        Assert.Equal("new", (await consumer.ReceiveAsync(Cancelled)).Value);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Acks_and_nacks_of_what_was_delivered_before_a_seek_do_nothing(bool confirmAcks)
    {
        await using var host = await Embedded.StartAsync();
        await SendAsync(host.Client, 10);
        await using var consumer = await host.Client.SubscribeAsync<string>(
            "t", "s", Earliest with { ConfirmAcks = confirmAcks, AckLinger = TimeSpan.FromMinutes(1) }, Cancelled);
        var before = new List<Delivery<string>>();
        for (var i = 0; i < 10; i++)
            before.Add(await consumer.ReceiveAsync(Cancelled));
        // One is acked before the seek and may still be on its way, the others after it.
        var first = before[0].AckAsync(Cancelled);
        await consumer.SeekAsync(StartPosition.Earliest, Cancelled);
        for (var i = 0; i < 10; i++)
            Assert.Equal((Text(i), 1), ((await consumer.ReceiveAsync(Cancelled)) is var d ? (d.Value, d.DeliveryCount) : default));
        await first;
        foreach (var delivery in before.Skip(1).Take(5))
            await delivery.AckAsync(Cancelled);
        foreach (var delivery in before.Skip(6))
            await delivery.NackAsync();
        await consumer.FlushAcksAsync(Cancelled);
        var topic = await host.Client.Topics.DescribeAsync("t", Cancelled);
        Assert.Equal((10, 10), (topic.Backlog(), topic.Unacked()));
    }

    [Fact]
    public async Task Acks_that_a_lost_connection_holds_back_do_not_reach_what_a_seek_brings_again()
    {
        await using var stage = await Stage.StartAsync();
        await SendAsync(stage.Observer, 5);
        var shared = Earliest with { Type = SubscriptionType.Shared };
        await using var consumer = await stage.Client.SubscribeAsync<string>("t", "s", shared, Cancelled);
        var before = new List<Delivery<string>>();
        for (var i = 0; i < 5; i++)
            before.Add(await consumer.ReceiveAsync(Cancelled));
        stage.Network.Requests.Close();
        foreach (var delivery in before)
            await delivery.AckAsync(Cancelled);
        stage.Network.Refuse();
        await stage.Network.CutAsync();
        await stage.Observer.Subscriptions.SeekAsync("t", "s", StartPosition.Earliest, Cancelled);
        // Another consumer has them now: what comes late from the first one must not ack them.
        await using var other = await stage.Observer.SubscribeAsync<string>("t", "s", shared, Cancelled);
        for (var i = 0; i < 5; i++)
            Assert.Equal(Text(i), (await other.ReceiveAsync(Cancelled)).Value);
        stage.Network.Requests.Open();
        stage.Network.Admit();
        await Eventually.TopicAsync(stage.Observer, "t", static t => t.Subscriptions[0].Consumers == 2);
        await consumer.FlushAcksAsync(Cancelled);
        Assert.Equal(5, (await stage.Observer.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task All_consumers_of_a_subscription_go_on_behind_a_seek()
    {
        await using var host = await Embedded.StartAsync();
        await SendAsync(host.Client, 100);
        var shared = Earliest with { Type = SubscriptionType.Shared, ReceiveWindowMessages = 10 };
        await using var one = await host.Client.SubscribeAsync<string>("t", "s", shared, Cancelled);
        await using var two = await host.Client.SubscribeAsync<string>("t", "s", shared, Cancelled);
        await (await one.ReceiveAsync(Cancelled)).AckAsync(Cancelled);
        await (await two.ReceiveAsync(Cancelled)).AckAsync(Cancelled);
        await one.SeekAsync(StartPosition.FromOffset(50), Cancelled);
        // The other one's notice may be on its way still; what it takes until then is from before.
        await Eventually.TopicAsync(host.Client, "t", static t => t.Subscriptions[0].Consumers == 2);
        var seen = await Task.WhenAll(TakeAsync(one), TakeAsync(two));
        Assert.Equal(Enumerable.Range(50, 50).Select(Text), seen.SelectMany(static s => s).Distinct().Order());

        async Task<List<string>> TakeAsync(Consumer<string> consumer)
        {
            var values = new List<string>();
            await foreach (var delivery in consumer.ReadAllAsync(Cancelled))
            {
                values.Add(delivery.Value);
                await delivery.AckAsync(Cancelled);
                await consumer.FlushAcksAsync(Cancelled);
                if ((await host.Client.Topics.DescribeAsync("t", Cancelled)).Backlog() == 0)
                    await Task.WhenAll(one.DisposeAsync().AsTask(), two.DisposeAsync().AsTask());
            }
            return values;
        }
    }

    [Fact]
    public async Task A_consumer_that_is_closed_and_a_subscription_that_is_not_there_cannot_be_moved()
    {
        await using var host = await Embedded.StartAsync();
        var consumer = await host.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await consumer.DisposeAsync();
        var closed = await Assert.ThrowsAsync<CometException>(() => consumer.SeekAsync(StartPosition.Earliest, Cancelled));
        Assert.Equal(ErrorCode.Closed, closed.Code);
        var missing = await Assert.ThrowsAsync<CometException>(
            () => host.Client.Subscriptions.SeekAsync("t", "none", StartPosition.Earliest, Cancelled));
        Assert.Equal(ErrorCode.SubscriptionNotFound, missing.Code);
    }

    private static ConsumerOptions<string> Earliest => new() { StartPosition = StartPosition.Earliest };

    private static string Text(int i) => i.ToString("000", null);

    private static async Task SendAsync(CometClient client, int count)
    {
        await using var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < count; i++)
            await producer.SendAsync(Text(i), Cancelled);
    }
}
