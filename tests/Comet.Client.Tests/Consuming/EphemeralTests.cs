namespace Comet.Client.Tests.Consuming;

public class EphemeralTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_ephemeral_subscription_acks_and_redelivers_as_any_and_goes_with_its_last_consumer()
    {
        await using var comet = await Embedded.StartAsync();
        var first = await SubscribeAsync(comet);
        var second = await SubscribeAsync(comet);
        await using var producer = await comet.Client.CreateProducerAsync<string>("orders", null, Cancelled);
        await producer.SendAsync("m", Cancelled);
        var holder = await await Task.WhenAny(first.ReceiveAsync(Cancelled).AsTask(), second.ReceiveAsync(Cancelled).AsTask());
        await holder.NackAsync();
        await Eventually.TopicAsync(comet.Client, "orders", static t => t.Subscriptions is [{ Consumers: 2 }]);
        await first.DisposeAsync();
        await Eventually.TopicAsync(comet.Client, "orders", static t => t.Subscriptions is [{ Consumers: 1 }]);
        await second.DisposeAsync();
        await Eventually.TopicAsync(comet.Client, "orders", static t => t.Subscriptions.Count == 0);
    }

    [Fact]
    public async Task A_durable_consumer_cannot_join_an_ephemeral_subscription()
    {
        await using var comet = await Embedded.StartAsync();
        await using var ephemeral = await SubscribeAsync(comet);
        var refused = await Assert.ThrowsAsync<CometException>(() => comet.Client.SubscribeAsync<string>(
            "orders", "watch", new() { Type = SubscriptionType.Shared }, Cancelled));
        Assert.Equal(ErrorCode.SubscriptionTypeMismatch, refused.Code);
    }

    private static Task<Consumer<string>> SubscribeAsync(Embedded comet) => comet.Client.SubscribeAsync<string>(
        "orders", "watch", new() { Type = SubscriptionType.Shared, IsEphemeral = true }, Cancelled);
}
