namespace Comet.Client.Tests.Administration;

public class SubscriptionAdministrationTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_subscription_that_is_created_without_a_consumer_has_what_comes_from_then_on()
    {
        await using var host = await Embedded.StartAsync(new() { DefaultPartitionCount = 3 });
        await host.Client.Topics.CreateAsync("t", cancellationToken: Cancelled);
        await host.Client.Subscriptions.CreateAsync("t", "s", SubscriptionType.Shared, cancellationToken: Cancelled);
        await using var producer = await host.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < 30; i++)
            await producer.SendAsync($"{i}", Cancelled);
        var listed = Assert.Single(await host.Client.Subscriptions.ListAsync("t", Cancelled));
        Assert.Equal(new SubscriptionSummary("s", SubscriptionType.Shared, 30, 0), listed);
        var described = await host.Client.Subscriptions.DescribeAsync("t", "s", Cancelled);
        Assert.Equal([0, 1, 2], described.Select(static s => s.Partition));
        Assert.All(described, static s => Assert.Equal((0, s.Backlog > 0), (s.OldestUnackedOffset ?? 0, s.BacklogBytes > 0)));

        var refused = await Assert.ThrowsAsync<CometException>(
            () => host.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled));
        Assert.Equal(ErrorCode.SubscriptionTypeMismatch, refused.Code);
    }

    [Fact]
    public async Task A_subscription_is_created_once()
    {
        await using var host = await Embedded.StartAsync();
        await host.Client.Topics.CreateAsync("t", cancellationToken: Cancelled);
        await host.Client.Subscriptions.CreateAsync("t", "s", cancellationToken: Cancelled);
        await host.Client.Subscriptions.CreateAsync("t", "s", ifNotExists: true, cancellationToken: Cancelled);
        Assert.Equal(ErrorCode.SubscriptionAlreadyExists, (await Assert.ThrowsAsync<CometException>(
            () => host.Client.Subscriptions.CreateAsync("t", "s", cancellationToken: Cancelled))).Code);
        var otherType = await Assert.ThrowsAsync<CometException>(() => host.Client.Subscriptions.CreateAsync(
            "t", "s", SubscriptionType.Shared, ifNotExists: true, cancellationToken: Cancelled));
        Assert.Equal(ErrorCode.SubscriptionAlreadyExists, otherType.Code);
        Assert.Equal(ErrorCode.InvalidName, (await Assert.ThrowsAsync<CometException>(
            () => host.Client.Subscriptions.CreateAsync("t", "/", cancellationToken: Cancelled))).Code);
        Assert.Equal(ErrorCode.TopicNotFound, (await Assert.ThrowsAsync<CometException>(
            () => host.Client.Subscriptions.CreateAsync("none", "s", cancellationToken: Cancelled))).Code);
    }

    [Fact]
    public async Task A_subscription_is_deleted_in_all_partitions_or_in_none()
    {
        await using var host = await Embedded.StartAsync(new() { DefaultPartitionCount = 3 });
        await using (var consumer = await host.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled))
        {
            var busy = await Assert.ThrowsAsync<CometException>(() => host.Client.Subscriptions.DeleteAsync("t", "s", Cancelled));
            Assert.Equal(ErrorCode.SubscriptionInUse, busy.Code);
            Assert.Equal(3, (await host.Client.Subscriptions.DescribeAsync("t", "s", Cancelled)).Count);
        }
        await host.Client.Subscriptions.DeleteAsync("t", "s", Cancelled);
        Assert.Empty(await host.Client.Subscriptions.ListAsync("t", Cancelled));
        var missing = await Assert.ThrowsAsync<CometException>(() => host.Client.Subscriptions.DescribeAsync("t", "s", Cancelled));
        Assert.Equal(ErrorCode.SubscriptionNotFound, missing.Code);
    }

    [Fact]
    public async Task One_of_several_consumers_cannot_remove_the_subscription_of_the_others()
    {
        await using var host = await Embedded.StartAsync(new() { DefaultPartitionCount = 2 });
        var shared = new ConsumerOptions<string> { Type = SubscriptionType.Shared };
        await using var one = await host.Client.SubscribeAsync<string>("t", "s", shared, Cancelled);
        await using var other = await host.Client.SubscribeAsync<string>("t", "s", shared, Cancelled);
        var refused = await Assert.ThrowsAsync<CometException>(() => one.UnsubscribeAsync(Cancelled));
        Assert.Equal(ErrorCode.SubscriptionInUse, refused.Code);
        await other.UnsubscribeAsync(Cancelled);
        Assert.Empty(await host.Client.Subscriptions.ListAsync("t", Cancelled));
    }
}
