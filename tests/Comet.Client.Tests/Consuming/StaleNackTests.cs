using Comet.Testing;

namespace Comet.Client.Tests.Consuming;

public class StaleNackTests
{
    [Fact]
    public async Task Giving_back_what_was_delivered_before_the_connection_was_lost_leaves_the_newer_delivery_alone()
    {
        await using var host = CometTestHost.Start();
        var client = await host.ConnectAsync();
        var consumer = await client.SubscribeAsync<string>("t", "s");
        var producer = await client.CreateProducerAsync<string>("t");
        await producer.SendAsync("x");
        var before = await consumer.ReceiveAsync();
        await host.Faults.ApplyAsync(Fault.Cut());
        var after = await consumer.ReceiveAsync();
        Assert.Equal(2, after.DeliveryCount);

        await before.NackAsync(TimeSpan.Zero);
        await host.IdleAsync();
        Assert.False(consumer.TryReceive(out _));
        Assert.Equal(1, (await client.Topics.DescribeAsync("t")).Unacked());

        await after.NackAsync(TimeSpan.Zero);
        Assert.Equal(3, (await consumer.ReceiveAsync()).DeliveryCount);
    }
}
