using Comet.Server.Tests.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Sessions;

public sealed class ProducerSessionTests() : BrokerTest(new CometServerOptions
{
    MaxProducersPerConnection = 3, MemoryLimit = 512 * 1024, DefaultPartitionCount = 2,
})
{
    [Theory]
    [InlineData("")]
    [InlineData("a//b")]
    [InlineData("..")]
    [InlineData("a b")]
    [InlineData("ä")]
    public async Task A_name_that_breaks_the_rules_is_refused(string name)
    {
        await using var client = await ConnectAsync();
        Assert.Equal(ErrorCode.InvalidName, await client.AskRefusedAsync(Producer(name)));
        Assert.Equal(ErrorCode.InvalidName, await client.AskRefusedAsync(Producer("t", name)));
        Assert.Equal(ErrorCode.InvalidName, await client.AskRefusedAsync(Producer("t", new string('x', 201))));
        await client.CreateProducerAsync("t");
    }

    [Fact]
    public async Task A_partition_that_the_topic_does_not_have_is_refused()
    {
        await using var client = await ConnectAsync();
        Assert.Equal(ErrorCode.PartitionNotFound, await client.AskRefusedAsync(Producer("t", partition: 2)));
        Assert.Equal(ErrorCode.PartitionNotFound, await client.AskRefusedAsync(Producer("t", partition: -1)));
    }

    [Fact]
    public async Task A_durability_that_memory_cannot_promise_is_refused()
    {
        await using var client = await ConnectAsync();
        Assert.Equal(ErrorCode.Unsupported, await client.AskRefusedAsync(Producer("t", durability: Durability.Os)));
    }

    [Fact]
    public async Task An_access_mode_that_is_none_breaks_the_protocol()
    {
        await using var client = await ConnectAsync();
        Assert.Equal(ErrorCode.ProtocolViolation, await client.AskRefusedAsync(Producer("t", mode: (ProducerAccessMode)9)));
        Assert.Equal(ErrorCode.ProtocolViolation, await client.EndAsync());
    }

    [Fact]
    public async Task A_closed_producer_makes_room_and_is_not_known_any_more()
    {
        await using var client = await ConnectAsync();
        var producer = await client.CreateProducerAsync("t", "p", ProducerAccessMode.Exclusive);
        Assert.Equal(ErrorCode.ProducerBusy, await client.AskRefusedAsync(Producer("t", "q")));
        Assert.Equal(FrameType.Ok, (await client.AskAsync(new CloseProducerFrame(producer))).Type);
        Assert.Equal(ErrorCode.ProducerNotFound, await client.AskRefusedAsync(new PublishFrame(producer), Batches.Make("p", 0, 1)));
        await client.CreateProducerAsync("t", "q", ProducerAccessMode.Exclusive);
        // Closing what is closed is no fault.
        Assert.Equal(FrameType.Ok, (await client.AskAsync(new CloseProducerFrame(producer))).Type);
    }

    [Fact]
    public async Task A_producer_that_reconnects_is_told_where_it_stands_and_the_older_one_is_fenced()
    {
        await using var older = await ConnectAsync();
        var producer = await older.CreateProducerAsync("t");
        await older.PublishAsync(producer, 0, 10);
        await using var newer = await ConnectAsync();
        var ready = (await newer.AskAsync(Producer("t"))).Read<ProducerReadyFrame>();
        Assert.Equal((9, 2), (ready.LastSequenceId, ready.ProducerEpoch));
        Assert.Equal(
            new(producer, ErrorCode.ProducerFenced, null), (await older.NextAsync()).Read<ProducerClosedFrame>() with { Message = null });
        Assert.Equal(ErrorCode.ProducerNotFound, await older.AskRefusedAsync(new PublishFrame(producer), Batches.Make("p", 10, 1)));
        Assert.True((await newer.PublishAsync(ready.ProducerId, 0, 10)).Duplicate);
        Assert.Equal(10, (await newer.PublishAsync(ready.ProducerId, 10, 1)).BaseOffset);
        Assert.Equal(
            ErrorCode.SequenceOutOfOrder, await newer.AskRefusedAsync(new PublishFrame(ready.ProducerId), Batches.Make("p", 12, 1)));
    }

    [Fact]
    public async Task Who_waits_for_exclusive_is_ready_when_the_other_connection_is_gone()
    {
        var other = await ConnectAsync();
        await other.CreateProducerAsync("t", "q");
        await using var client = await ConnectAsync();
        await client.SendAsync(Producer("t", mode: ProducerAccessMode.WaitForExclusive), 5);
        await client.SettleAsync();
        Assert.Empty(client.Pending);
        await other.DisposeAsync();
        Assert.Equal(FrameType.ProducerReady, (await client.AnswerAsync(5)).Type);
    }

    [Fact]
    public async Task A_connection_has_only_so_many_producers_and_refused_ones_do_not_count()
    {
        await using var client = await ConnectAsync();
        for (var i = 0; i < 5; i++)
            Assert.Equal(ErrorCode.ProducerBusy, await client.AskRefusedAsync(Producer("bystander", "x", ProducerAccessMode.Exclusive)));
        for (var i = 0; i < 3; i++)
            await client.CreateProducerAsync("t", $"p{i}");
        Assert.Equal(ErrorCode.LimitExceeded, await client.AskRefusedAsync(Producer("t", "p3")));
    }

    [Fact]
    public async Task Beyond_the_memory_limit_a_publish_is_refused_until_messages_are_acked()
    {
        await using var client = await ConnectAsync();
        var consumer = await client.SubscribeAsync(Subscribe("t"));
        await client.SendAsync(new PermitsFrame(consumer.ConsumerId, 1 << 20, 1 << 30));
        var producer = await client.CreateProducerAsync("t");
        var stored = 0;
        for (; stored < 100; stored++)
        {
            var answer = await client.AskAsync(new PublishFrame(producer), Batches.Make("p", stored, 1, 20_000));
            if (answer.Type != FrameType.Error)
                continue;
            Assert.Equal(ErrorCode.StorageFull, answer.Read<ErrorFrame>().Code);
            break;
        }
        Assert.InRange(stored, 15, 26);
        await client.AskAsync(new AckFrame(consumer.ConsumerId, false, [0, stored - 1]));
        Assert.Equal(stored, (await client.PublishAsync(producer, stored, 1, padding: 20_000)).BaseOffset);
        Assert.Equal(Enumerable.Range(0, stored + 1).Select(o => ((long)o, 1)), await client.ReceiveAsync(consumer.ConsumerId, stored + 1));
    }
}
