using Comet.Tests;

namespace Comet.Client.Tests;

public class ScaleTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    [TakesLong]
    public async Task A_million_messages_pass_through_a_window_of_ten_permits()
    {
        const int Count = 1_000_000;
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<ReadOnlyMemory<byte>>("t", "s",
            new() { ReceiveWindowMessages = 10 }, Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync<ReadOnlyMemory<byte>>("t", cancellationToken: Cancelled);
        var sending = Task.Run(
            async () =>
            {
                for (var i = 0; i < Count; i++)
                    await producer.Writer.WriteAsync(BitConverter.GetBytes(i), Cancelled);
                await producer.FlushAsync(Cancelled);
            },
            Cancelled);
        for (var expected = 0; expected < Count; expected++)
        {
            var delivery = await consumer.ReceiveAsync(Cancelled);
            Assert.Equal(expected, BitConverter.ToInt32(delivery.Value.Span));
            await delivery.AckAsync(Cancelled);
        }
        await sending;
        await consumer.FlushAcksAsync(Cancelled);
        var subscription = Assert.Single((await comet.Client.Topics.DescribeAsync("t", Cancelled)).Subscriptions);
        Assert.Equal((0, Count), (subscription.Backlog, subscription.AckedUpTo));
    }

    [Fact]
    public async Task Ten_thousand_requests_are_in_flight_on_one_connection()
    {
        const int Count = 10_000;
        await using var comet = await Embedded.StartAsync();
        await comet.Client.Topics.CreateAsync("t", partitions: 3, cancellationToken: Cancelled);
        var answers = await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => comet.Client.Topics.DescribeAsync("t", Cancelled)));
        Assert.All(answers, static topic => Assert.Equal(3, topic.Partitions.Count));
    }
}
