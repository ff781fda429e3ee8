namespace Comet.Client.Tests;

public class RoundTripTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_sent_is_received_in_order_with_key_headers_and_times()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("orders", "billing", cancellationToken: Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync<string>("orders", cancellationToken: Cancelled);
        var before = DateTimeOffset.UtcNow.AddSeconds(-1);
        var id = await producer.SendAsync(new OutgoingMessage<string>("one") { Key = "k", Headers = new() { { "a", "b" } } }, Cancelled);
        await producer.SendAsync("two", Cancelled);

        var first = await consumer.ReceiveAsync(Cancelled);
        var second = await consumer.ReceiveAsync(Cancelled);

        Assert.Equal(("one", "k", "b", 1), (first.Value, first.Key, first.Headers["a"], first.DeliveryCount));
        Assert.Equal(id, first.Id);
        Assert.InRange(first.PublishTime, before, before.AddMinutes(1));
        Assert.InRange(first.AppendTime, before, before.AddMinutes(1));
        Assert.Equal(("two", null, 0), (second.Value, second.Key, second.Headers.Count));
        Assert.Equal(new MessageId("orders", 0, 1), second.Id);
    }

    [Theory]
    [InlineData(1, 10)]
    [InlineData(4, 1)]
    [InlineData(4, 10_000)]
    public async Task Every_message_arrives_once_through_any_window(int partitions, int window)
    {
        const int Count = 20_000;
        await using var comet = await Embedded.StartAsync(new() { DefaultPartitionCount = partitions });
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", new() { ReceiveWindowMessages = window }, Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        var sending = Task.Run(
            async () =>
            {
                for (var i = 0; i < Count; i++)
                    await producer.Writer.WriteAsync($"{i}", Cancelled);
                await producer.FlushAsync(Cancelled);
            },
            Cancelled);
        var seen = new HashSet<string>();
        await foreach (var delivery in consumer.ReadAllAsync(AckMode.WhenNextIsAsked, Cancelled))
        {
            Assert.True(seen.Add(delivery.Value));
            if (seen.Count == Count)
                break;
        }
        await sending;
        await consumer.FlushAcksAsync(Cancelled);
        var description = await comet.Client.Topics.DescribeAsync("t", Cancelled);
        Assert.Equal(1, description.Subscriptions.Sum(static s => s.Backlog));
    }
}
