using Comet.Client.Tests.Scripted;
using Comet.Wire;

namespace Comet.Client.Tests.Consuming;

public class DeliveryGroupTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_group_in_any_order_is_acked_in_one_frame_and_given_back_in_one_frame()
    {
        var broker = new ScriptedBroker();
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker }, Cancelled);
        await using var consumer = await client.SubscribeAsync<string>("t", "s", new() { ConfirmAcks = true }, Cancelled);
        var session = await broker.Sessions.ReadAsync(Cancelled);
        session.Send(new DeliverFrame(1, 1), 0, ScriptedBatch.Create(0, "0", "1", "2", "3", "4", "5"));
        var all = await consumer.ReceiveBatchAsync(6, TimeSpan.FromMinutes(1), Cancelled);
        await new[] { all[4], all[0], all[2], all[1] }.NackAllAsync(TimeSpan.FromSeconds(3));
        var nack = (await session.ExpectAsync(FrameType.Nack)).Read<NackFrame>();
        Assert.Equal(3000, nack.DelayMilliseconds);
        Assert.Equal([0, 2, 4, 4], nack.Ranges);
        await new[] { all[3] }.AckAllAsync(Cancelled);
        var ack = (await session.ExpectAsync(FrameType.Ack)).Read<AckFrame>();
        Assert.Equal([3, 3], ack.Ranges);
        await Array.Empty<Delivery<string>>().AckAllAsync(Cancelled);
        await Array.Empty<Delivery<string>>().NackAllAsync();
        Assert.False(session.HasReceived(FrameType.Nack) || session.HasReceived(FrameType.Ack));
    }

    [Fact]
    public async Task Groups_over_partitions_wait_for_their_confirms_together_and_every_ack_arrives()
    {
        await using var comet = await Embedded.StartAsync();
        await comet.Client.Topics.CreateAsync("t", 4, cancellationToken: Cancelled);
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", new() { ConfirmAcks = true }, Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < 100; i++)
            await producer.SendAsync($"{i}", Cancelled);
        var all = await consumer.ReceiveBatchAsync(100, TimeSpan.FromMinutes(1), Cancelled);
        Assert.Equal(4, all.Select(static d => d.Id.Partition).Distinct().Count());
        await all.AsEnumerable().Reverse().AckAllAsync(Cancelled);
        Assert.Equal(0, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task A_group_of_a_consumer_that_has_ended_says_so_once()
    {
        await using var comet = await Embedded.StartAsync();
        var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < 3; i++)
            await producer.SendAsync($"{i}", Cancelled);
        var all = await consumer.ReceiveBatchAsync(3, TimeSpan.FromMinutes(1), Cancelled);
        await consumer.DisposeAsync();
        Assert.Equal(ErrorCode.Closed, (await Assert.ThrowsAsync<CometException>(async () => await all.AckAsync(Cancelled))).Code);
        Assert.Equal(ErrorCode.Closed, (await Assert.ThrowsAsync<CometException>(async () => await all.NackAsync())).Code);
    }
}
