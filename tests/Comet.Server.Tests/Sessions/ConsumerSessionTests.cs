using Comet.Wire;

namespace Comet.Server.Tests.Sessions;

public sealed class ConsumerSessionTests() : BrokerTest(new CometServerOptions { MaxConsumersPerConnection = 3 })
{
    [Fact]
    public async Task Nothing_is_delivered_before_permits_and_no_more_than_they_allow()
    {
        await using var client = await FilledAsync("t", 50);
        var consumer = await client.SubscribeAsync(Subscribe("t"));
        Assert.Equal(0, consumer.NextOffset);
        // Another process had another epoch: a client must be able to tell that its old offsets mean nothing here.
        Assert.Equal(UnixMicroseconds.Now(Time), consumer.OwnershipEpoch);
        await client.SettleAsync();
        Assert.Empty(client.Pending);
        await client.SendAsync(new PermitsFrame(consumer.ConsumerId, 7, 1 << 20));
        await client.SettleAsync();
        Assert.Equal(7, (await client.ReceiveAsync(consumer.ConsumerId, 7)).Count);
        Assert.Empty(client.Pending);
    }

    [Theory]
    [InlineData("", "c")]
    [InlineData("s", "")]
    [InlineData("s s", "c")]
    [InlineData("s", "c/../d")]
    public async Task A_name_that_breaks_the_rules_is_refused(string subscription, string consumer)
    {
        await using var client = await ConnectAsync();
        Assert.Equal(ErrorCode.InvalidName, await client.AskRefusedAsync(Subscribe("t", subscription, consumer: consumer)));
        Assert.Equal(ErrorCode.InvalidName, await client.AskRefusedAsync(Subscribe("t\n")));
        await client.SubscribeAsync(Subscribe("t"));
    }

    [Fact]
    public async Task A_start_that_the_broker_does_not_have_is_refused()
    {
        await using var client = await ConnectAsync();
        Assert.Equal(ErrorCode.InvalidArgument, await client.AskRefusedAsync(Subscribe("t", start: (StartPositionKind)9)));
    }

    [Fact]
    public async Task A_start_kind_beyond_32_bits_is_refused_and_not_cut_off()
    {
        await using var client = await ConnectAsync();
        Assert.Equal(ErrorCode.InvalidArgument, await client.AskRefusedAsync(Subscribe("t") with { StartKind = 1L << 32 }));
    }

    [Fact]
    public async Task An_exclusive_subscription_refuses_a_second_consumer_and_another_type()
    {
        await using var client = await ConnectAsync();
        var first = await client.SubscribeAsync(Subscribe("t", type: SubscriptionType.Exclusive));
        Assert.Equal(ErrorCode.ConsumerBusy, await client.AskRefusedAsync(Subscribe("t", type: SubscriptionType.Exclusive, consumer: "d")));
        Assert.Equal(ErrorCode.SubscriptionTypeMismatch, await client.AskRefusedAsync(Subscribe("t", consumer: "d")));
        await client.AskAsync(new CloseConsumerFrame(first.ConsumerId));
        await client.SubscribeAsync(Subscribe("t", type: SubscriptionType.Exclusive, consumer: "d"));
    }

    [Fact]
    public async Task A_namesake_over_the_same_connection_is_refused()
    {
        await using var client = await ConnectAsync();
        await client.SubscribeAsync(Subscribe("t"));
        Assert.Equal(ErrorCode.ConsumerNameTaken, await client.AskRefusedAsync(Subscribe("t")));
    }

    [Theory]
    [InlineData(SubscriptionType.Exclusive)]
    [InlineData(SubscriptionType.Shared)]
    public async Task A_consumer_that_reconnects_replaces_itself_and_gets_what_it_held_again(SubscriptionType type)
    {
        await using var older = await FilledAsync("t", 10);
        var first = await older.SubscribeAsync(Subscribe("t", type: type));
        await older.SendAsync(new PermitsFrame(first.ConsumerId, 6, 1 << 20));
        await older.ReceiveAsync(first.ConsumerId, 6);
        await older.AskAsync(new AckFrame(first.ConsumerId, false, [1, 2]));
        await using var newer = await ConnectAsync();
        var second = await newer.SubscribeAsync(Subscribe("t", type: type));
        Assert.Equal(ErrorCode.ConsumerNameTaken, (await older.NextAsync()).Read<ConsumerClosedFrame>().Code);
        await newer.SendAsync(new PermitsFrame(second.ConsumerId, 100, 1 << 20));
        Assert.Equal(
            [(0, 2), (3, 2), (4, 2), (5, 2), (6, 1), (7, 1), (8, 1), (9, 1)], await newer.ReceiveAsync(second.ConsumerId, 8));
        Assert.Equal(ErrorCode.ConsumerNotFound, await older.AskRefusedAsync(new AckFrame(first.ConsumerId, false, [0, 0])));
    }

    [Fact]
    public async Task What_a_lost_connection_held_goes_to_the_other_consumer()
    {
        var lost = await FilledAsync("t", 10);
        var first = await lost.SubscribeAsync(Subscribe("t", consumer: "lost"));
        await lost.SendAsync(new PermitsFrame(first.ConsumerId, 4, 1 << 20));
        await lost.ReceiveAsync(first.ConsumerId, 4);
        await using var client = await ConnectAsync();
        var second = await client.SubscribeAsync(Subscribe("t"));
        await client.SendAsync(new PermitsFrame(second.ConsumerId, 100, 1 << 20));
        Assert.Equal(6, (await client.ReceiveAsync(second.ConsumerId, 6)).Count);
        await lost.DisposeAsync();
        Assert.Equal([(0, 2), (1, 2), (2, 2), (3, 2)], await client.ReceiveAsync(second.ConsumerId, 4));
    }

    [Fact]
    public async Task A_nack_brings_the_message_again_after_its_delay_and_without_one_at_once()
    {
        await using var client = await FilledAsync("t", 3);
        var consumer = (await client.SubscribeAsync(Subscribe("t"))).ConsumerId;
        await client.SendAsync(new PermitsFrame(consumer, 100, 1 << 20));
        await client.ReceiveAsync(consumer, 3);
        await client.AskAsync(new NackFrame(consumer, 500, null, [1, 1]));
        await client.AskAsync(new NackFrame(consumer, 0, "again", [2, 2]));
        Assert.Equal([(2, 2)], await client.ReceiveAsync(consumer, 1));
        Time.Advance(TimeSpan.FromMilliseconds(499));
        await client.SettleAsync();
        Assert.Empty(client.Pending);
        Time.Advance(TimeSpan.FromMilliseconds(2));
        Assert.Equal([(1, 2)], await client.ReceiveAsync(consumer, 1));
        Assert.Equal(ErrorCode.InvalidArgument, await client.AskRefusedAsync(new NackFrame(consumer, -2, null, [0, 0])));
    }

    [Fact]
    public async Task A_nack_of_another_delivery_than_the_one_that_is_held_is_left_alone_and_one_that_names_none_is_not()
    {
        await using var client = await FilledAsync("t", 1);
        var consumer = (await client.SubscribeAsync(Subscribe("t"))).ConsumerId;
        await client.SendAsync(new PermitsFrame(consumer, 100, 1 << 20));
        await client.ReceiveAsync(consumer, 1);
        await client.AskAsync(new NackFrame(consumer, 0, null, [0, 0], 1));
        Assert.Equal([(0, 2)], await client.ReceiveAsync(consumer, 1));
        await client.AskAsync(new NackFrame(consumer, 0, null, [0, 0], 1));
        await client.AskAsync(new DeadLetterFrame(consumer, null, [0, 0], 3));
        await client.SettleAsync();
        Assert.Empty(client.Pending);
        // As clients of before say it.
        await client.AskAsync(new NackFrame(consumer, 0, null, [0, 0]));
        Assert.Equal([(0, 3)], await client.ReceiveAsync(consumer, 1));
    }

    [Fact]
    public async Task Frames_for_a_consumer_that_is_gone_are_answered_only_when_an_answer_is_wanted()
    {
        await using var client = await ConnectAsync();
        await client.SendAsync(new AckFrame(77, false, [0, 0]));
        await client.SendAsync(new NackFrame(77, 0, null, [0, 0]));
        await client.SendAsync(new PermitsFrame(77, 1, 1));
        await client.SettleAsync();
        Assert.Empty(client.Pending);
        Assert.Equal(ErrorCode.ConsumerNotFound, await client.AskRefusedAsync(new AckFrame(77, false, [0, 0])));
        Assert.Equal(ErrorCode.ConsumerNotFound, await client.AskRefusedAsync(new NackFrame(77, 0, null, [0, 0])));
        Assert.Equal(FrameType.Ok, (await client.AskAsync(new CloseConsumerFrame(77))).Type);
    }

    [Fact]
    public async Task A_connection_has_only_so_many_consumers()
    {
        await using var client = await ConnectAsync();
        for (var i = 0; i < 3; i++)
            await client.SubscribeAsync(Subscribe("t", consumer: $"c{i}"));
        Assert.Equal(ErrorCode.LimitExceeded, await client.AskRefusedAsync(Subscribe("t", consumer: "c3")));
    }

    [Fact]
    public async Task A_subscription_is_removed_when_it_has_no_consumers()
    {
        await using var client = await FilledAsync("t", 3);
        var consumer = (await client.SubscribeAsync(Subscribe("t", start: StartPositionKind.Latest))).ConsumerId;
        Assert.Equal(ErrorCode.SubscriptionInUse, await client.AskRefusedAsync(new UnsubscribeFrame("t", 0, "s")));
        await client.AskAsync(new CloseConsumerFrame(consumer));
        Assert.Equal(FrameType.Ok, (await client.AskAsync(new UnsubscribeFrame("t", 0, "s"))).Type);
        Assert.Equal(ErrorCode.SubscriptionNotFound, await client.AskRefusedAsync(new UnsubscribeFrame("t", 0, "s")));
        Assert.Equal(0, (await client.SubscribeAsync(Subscribe("t"))).NextOffset);
    }

    /// <summary>A connection, and a topic with so many messages.</summary>
    private async Task<RawClient> FilledAsync(string topic, int messages)
    {
        var client = await ConnectAsync();
        await client.PublishAsync(await client.CreateProducerAsync(topic), 0, messages);
        return client;
    }
}
