using Comet.Client.Tests.Scripted;
using Comet.Wire;

namespace Comet.Client.Tests.Reconnection;

public class ConsumerReconnectionTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Acks_from_before_a_cut_are_not_delivered_again_while_the_broker_lives()
    {
        await using var stage = await Stage.StartAsync();
        await SendAsync(stage, 0, 10);
        await using var consumer = await SubscribeAsync(stage);
        for (var i = 0; i < 6; i++)
            await (await consumer.ReceiveAsync(Cancelled)).AckAsync(Cancelled);
        // The acks linger or are on their way, and do not arrive.
        stage.Network.Requests.Close();
        await (await consumer.ReceiveAsync(Cancelled)).AckAsync(Cancelled);
        await stage.Network.CutAsync();
        stage.Network.Requests.Open();

        var delivery = await consumer.ReceiveAsync(Cancelled);
        while (delivery.Value == "7" && delivery.DeliveryCount == 1)
            delivery = await consumer.ReceiveAsync(Cancelled);

        // What was on the client and not taken comes again from the new attachment; what was acked does not.
        var values = new List<string> { delivery.Value };
        while (values[^1] != "9")
            values.Add((await consumer.ReceiveAsync(Cancelled)).Value);
        Assert.All(values, static v => Assert.InRange(int.Parse(v, null), 7, 9));
        await consumer.FlushAcksAsync(Cancelled);
        Assert.Equal(3, (await stage.Observer.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task An_unconfirmed_ack_completes_over_the_next_connection()
    {
        await using var stage = await Stage.StartAsync();
        await SendAsync(stage, 0, 2);
        await using var consumer = await SubscribeAsync(stage, new() { ConfirmAcks = true });
        var delivery = await consumer.ReceiveAsync(Cancelled);
        stage.Network.Requests.Close();
        var acking = delivery.AckAsync(Cancelled).AsTask();
        await stage.Network.CutAsync();
        Assert.False(acking.IsCompleted);
        stage.Network.Requests.Open();
        await acking;
        Assert.Equal(1, (await stage.Observer.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 100)]
    [InlineData(3, 10)]
    public async Task The_stream_goes_on_over_many_cuts_and_every_message_is_acked_once(int partitions, int window)
    {
        const int Count = 3_000;
        await using var stage = await Stage.StartAsync(new() { DefaultPartitionCount = partitions });
        await SendAsync(stage, 0, Count);
        await using var consumer = await SubscribeAsync(stage, new() { ReceiveWindowMessages = window });
        var acked = new HashSet<string>();
        for (var taken = 0; acked.Count < Count; taken++)
        {
            var delivery = await consumer.ReceiveAsync(Cancelled);
            acked.Add(delivery.Value);
            await delivery.AckAsync(Cancelled);
            if (taken % 500 == 499)
                await stage.Network.CutAsync();
        }
        await consumer.FlushAcksAsync(Cancelled);
        var topic = await stage.Observer.Topics.DescribeAsync("t", Cancelled);
        Assert.Equal((0, 0), (topic.Backlog(), topic.Unacked()));
        Assert.All(topic.Subscriptions, s => Assert.InRange(s.Permits, 0, Math.Max(1, window / partitions)));
    }

    [Fact]
    public async Task The_whole_window_is_granted_anew_to_the_next_attachment()
    {
        await using var stage = await Stage.StartAsync();
        await using var consumer = await SubscribeAsync(stage, new() { ReceiveWindowMessages = 10 });
        await SendAsync(stage, 0, 8);
        await Eventually.TopicAsync(stage.Observer, "t", static t => t.Unacked() == 8);
        await stage.Network.CutAsync();
        await SendAsync(stage, 8, 20);

        await Eventually.TopicAsync(stage.Observer, "t", static t => t.Unacked() == 10 && t.Subscriptions[0].Consumers == 1);

        Assert.Equal(0, (await stage.Observer.Topics.DescribeAsync("t", Cancelled)).Subscriptions[0].Permits);
    }

    [Fact]
    public async Task A_consumer_comes_back_by_itself_to_a_broker_that_has_lost_its_memory_and_old_acks_do_no_harm_there()
    {
        await using var stage = await Stage.StartAsync();
        await SendAsync(stage, 0, 3);
        await using var consumer = await SubscribeAsync(stage);
        var old = await consumer.ReceiveAsync(Cancelled);
        await stage.ReplaceBrokerAsync();
        await SendAsync(stage, 10, 1);
        var fresh = await ReceiveAsync(consumer, "10");
        Assert.NotEqual(old.OwnershipEpoch, fresh.OwnershipEpoch);

        await old.AckAsync(Cancelled);
        await old.NackAsync();
        await consumer.FlushAcksAsync(Cancelled);

        var topic = await stage.Observer.Topics.DescribeAsync("t", Cancelled);
        Assert.Equal((1, 1), (topic.Backlog(), topic.Unacked()));
        await fresh.AckAsync(Cancelled);
        await consumer.FlushAcksAsync(Cancelled);
        Assert.Equal(0, (await stage.Observer.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task A_subscription_that_began_at_the_latest_misses_nothing_that_a_restarted_broker_took_before_it_was_back()
    {
        await using var stage = await Stage.StartAsync();
        await using var consumer = await stage.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        stage.Network.Requests.Close();
        await stage.ReplaceBrokerAsync();
        await SendAsync(stage, 0, 3);

        stage.Network.Requests.Open();

        for (var i = 0; i < 3; i++)
            Assert.Equal($"{i}", (await consumer.ReceiveAsync(Cancelled)).Value);
    }

    [Fact]
    public async Task A_reader_takes_each_message_once_and_in_order_over_many_cuts()
    {
        const int Count = 5_000;
        await using var stage = await Stage.StartAsync();
        await SendAsync(stage, 0, Count);
        await using var reader = await stage.Client.CreateReaderAsync<string>("t", new() { ReceiveWindowMessages = 50 }, Cancelled);
        for (var i = 0; i < Count; i++)
        {
            Assert.Equal($"{i}", (await reader.ReceiveAsync(Cancelled)).Value);
            if (i % 500 == 250)
                await stage.Network.CutAsync();
        }
    }

    [Fact]
    public async Task A_reader_takes_nothing_twice_that_was_taken_while_it_attached_again()
    {
        var broker = new ScriptedBroker();
        await using var client = await CometClient.ConnectAsync(
            new CometClientOptions { Transport = broker, Reconnect = Stage.Impatient }, Cancelled);
        await using var reader = await client.CreateReaderAsync<string>("t", cancellationToken: Cancelled);
        var first = await broker.Sessions.ReadAsync(Cancelled);
        first.Send(new DeliverFrame(1, 1), 0, ScriptedBatch.Create(0, "a", "b"));
        Assert.Equal("a", (await reader.ReceiveAsync(Cancelled)).Value);

        broker.Answers = false;
        await first.HangUpAsync();
        var second = await broker.Sessions.ReadAsync(Cancelled);
        var subscribe = await second.ExpectAsync(FrameType.Subscribe);
        var isTaken = reader.TryReceive(out _);

        Assert.Equal(isTaken ? 2 : 1, subscribe.Read<SubscribeFrame>().StartValue);
        broker.Answers = true;
        second.Send(new SubscribedFrame(1, 1, 1), subscribe.CorrelationId);
        second.Send(new DeliverFrame(1, 1), 0, ScriptedBatch.Create(1, "b"));
        Assert.Equal("b", (await reader.ReceiveAsync(Cancelled)).Value);
    }

    private static async Task<Delivery<string>> ReceiveAsync(Consumer<string> consumer, string value)
    {
        while (true)
        {
            if (await consumer.ReceiveAsync(Cancelled) is var delivery && delivery.Value == value)
                return delivery;
        }
    }

    private static Task<Consumer<string>> SubscribeAsync(Stage stage, ConsumerOptions<string>? options = null) =>
        stage.Client.SubscribeAsync("t", "s", (options ?? new()) with { StartPosition = StartPosition.Earliest }, Cancelled);

    private static async Task SendAsync(Stage stage, int first, int count)
    {
        await using var producer = await stage.Observer.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = first; i < first + count; i++)
            await producer.Writer.WriteAsync($"{i}", Cancelled);
    }
}
