namespace Comet.Client.Tests.Consuming;

public class FailoverTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_lowest_level_is_active_and_who_takes_over_gets_what_the_other_held_before_anything_new()
    {
        await using var comet = await Embedded.StartAsync();
        await using var second = await SubscribeAsync(comet, "second", level: 1);
        await second.Activity.WaitForAsync(ConsumerActivity.Active, Cancelled);
        await SendAsync(comet, 0, 10);
        var held = await second.ReceiveAsync(Cancelled);
        await (await second.ReceiveAsync(Cancelled)).AckAsync(Cancelled);
        await second.FlushAcksAsync(Cancelled);
        Assert.False(held.LeaseLost.IsCancellationRequested);

        var first = await SubscribeAsync(comet, "first", level: 0);
        await first.Activity.WaitForAsync(ConsumerActivity.Active, Cancelled);
        await second.Activity.WaitForAsync(ConsumerActivity.Standby, Cancelled);
        await Task.Delay(Timeout.Infinite, held.LeaseLost).ContinueWith(static _ => { }, TaskScheduler.Default).WaitAsync(Cancelled);
        await SendAsync(comet, 10, 2);

        var expected = Enumerable.Range(0, 10).Where(static i => i != 1).Select(static i => ($"{i}", 2)).Append(("10", 1)).Append(("11", 1));
        foreach (var next in expected)
        {
            var delivery = await first.ReceiveAsync(Cancelled);
            Assert.Equal(next, (delivery.Value, delivery.DeliveryCount));
        }
        Assert.False(second.TryReceive(out _));

        await first.DisposeAsync();
        await second.Activity.WaitForAsync(ConsumerActivity.Active, Cancelled);
        Assert.Equal("0", (await second.ReceiveAsync(Cancelled)).Value);
        Assert.Equal(ConsumerActivity.Closed, first.Activity.Current);
    }

    [Fact]
    public async Task An_ack_of_the_one_that_is_not_active_any_more_still_counts()
    {
        await using var comet = await Embedded.StartAsync();
        await using var old = await SubscribeAsync(comet, "old", level: 1);
        await SendAsync(comet, 0, 1);
        var held = await old.ReceiveAsync(Cancelled);
        await using var active = await SubscribeAsync(comet, "active", level: 0);
        await old.Activity.WaitForAsync(ConsumerActivity.Standby, Cancelled);

        await held.AckAsync(Cancelled);
        await old.FlushAcksAsync(Cancelled);

        Assert.Equal(0, (await comet.Client.Topics.DescribeAsync("orders", Cancelled)).Backlog());
    }

    private static Task<Consumer<string>> SubscribeAsync(Embedded comet, string name, int level) => comet.Client.SubscribeAsync<string>(
        "orders", "billing", new() { Type = SubscriptionType.Failover, ConsumerName = name, PriorityLevel = level }, Cancelled);

    private static async Task SendAsync(Embedded comet, int first, int count)
    {
        await using var producer = await comet.Client.CreateProducerAsync<string>("orders", null, Cancelled);
        for (var i = first; i < first + count; i++)
            await producer.SendAsync($"{i}", Cancelled);
    }
}
