namespace Comet.Client.Tests.Consuming;

/// <summary>How much the broker sends ahead when nothing is said, and what that does to what others get.</summary>
public class ReceiveWindowTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(SubscriptionType.Exclusive, ConsumerOptions<string>.DefaultReceiveWindowMessages)]
    [InlineData(SubscriptionType.Failover, ConsumerOptions<string>.DefaultReceiveWindowMessages)]
    [InlineData(SubscriptionType.Shared, ConsumerOptions<string>.DefaultSharedReceiveWindowMessages)]
    [InlineData(SubscriptionType.KeyShared, ConsumerOptions<string>.DefaultSharedReceiveWindowMessages)]
    public async Task The_default_is_smaller_where_others_wait_for_messages_too(SubscriptionType type, int window)
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", new() { Type = type }, Cancelled);
        await Eventually.TopicAsync(comet.Client, "t", t => t.Subscriptions.Single().Permits == window);
    }

    [Fact]
    public async Task What_waited_in_the_window_of_a_consumer_that_went_counts_as_delivered()
    {
        await using var comet = await Embedded.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        ConsumerOptions<string> shared = new() { Type = SubscriptionType.Shared };
        await using (await comet.Client.SubscribeAsync("t", "s", shared, Cancelled))
        {
            await producer.SendAsync("a", Cancelled);
            await Eventually.TopicAsync(comet.Client, "t", static t => t.Unacked() == 1);
        }
        await using var other = await comet.Client.SubscribeAsync("t", "s", shared, Cancelled);
        Assert.Equal(2, (await other.ReceiveAsync(Cancelled)).DeliveryCount);
    }
}
