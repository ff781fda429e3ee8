using Comet.Client.Tests.Scripted;
using Comet.Wire;

namespace Comet.Client.Tests.Reconnection;

public class ProducerReconnectionTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task While_the_broker_lives_cuts_lose_nothing_and_store_nothing_twice(int partitions)
    {
        const int Count = 20_000;
        await using var stage = await Stage.StartAsync(new() { DefaultPartitionCount = partitions });
        await using var producer = await stage.Client.CreateProducerAsync("t",
            new ProducerOptions<string> { MaxBatchMessages = 50 }, Cancelled);
        for (var i = 0; i < Count; i++)
        {
            await producer.Writer.WriteAsync($"{i}", Cancelled);
            if (i % 2_000 == 1_999)
                await stage.Network.CutAsync();
        }
        await producer.FlushAsync(Cancelled);

        var values = await Eventually.ReadTopicAsync(stage.Observer, "t");

        Assert.Equal(Count, values.Count);
        Assert.Equal(Enumerable.Range(0, Count), values.Select(int.Parse).Order());
        if (partitions == 1)
            Assert.Equal(Enumerable.Range(0, Count), values.Select(int.Parse));
    }

    [Fact]
    public async Task A_batch_that_was_stored_and_not_confirmed_is_sent_again_under_its_sequence_ids_and_confirmed_where_it_was_stored()
    {
        await using var stage = await Stage.StartAsync();
        await using var producer = await stage.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await producer.SendAsync("before", Cancelled);
        stage.Network.Answers.Close();
        var send = producer.SendAsync("once", Cancelled).AsTask();
        await Eventually.TopicAsync(stage.Observer, "t", static t => t.Stored() == 2);
        Assert.False(send.IsCompleted);

        await stage.Network.CutAsync();
        stage.Network.Answers.Open();

        Assert.Equal(new MessageId("t", 0, 1), await send);
        Assert.Equal(["before", "once"], await Eventually.ReadTopicAsync(stage.Observer, "t"));
    }

    [Fact]
    public async Task A_producer_comes_back_by_itself_to_a_broker_that_has_lost_its_memory()
    {
        await using var stage = await Stage.StartAsync();
        await using var producer = await stage.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await producer.SendAsync("lost with the broker", Cancelled);
        var watching = producer.State.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);
        await using (watching)
        {
            Assert.True(await watching.MoveNextAsync());
            Assert.Equal(ProducerState.Attached, watching.Current);
            await stage.ReplaceBrokerAsync();
            foreach (var expected in new[] { ProducerState.Reattaching, ProducerState.Attached })
            {
                Assert.True(await watching.MoveNextAsync());
                Assert.Equal(expected, watching.Current);
            }
        }
        Assert.Equal(0, (await producer.SendAsync("new", Cancelled)).Offset);
        Assert.Equal(["new"], await Eventually.ReadTopicAsync(stage.Observer, "t"));
    }

    [Fact]
    public async Task What_is_sent_while_there_is_no_broker_waits_for_one()
    {
        await using var stage = await Stage.StartAsync();
        await using var producer = await stage.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        stage.Network.Refuse();
        await stage.Network.CutAsync();
        await producer.State.WaitForAsync(ProducerState.Reattaching, Cancelled);
        var sends = Enumerable.Range(0, 100).Select(i => producer.SendAsync($"{i}", Cancelled).AsTask()).ToArray();
        Assert.DoesNotContain(sends, static s => s.IsCompleted);

        stage.Network.Admit();

        Assert.Equal(Enumerable.Range(0, 100).Select(static i => (long)i), (await Task.WhenAll(sends)).Select(static id => id.Offset));
    }

    [Fact]
    public async Task A_producer_that_waits_for_exclusive_access_goes_on_waiting_over_a_new_connection()
    {
        await using var stage = await Stage.StartAsync();
        var holder = await stage.Observer.CreateProducerAsync("t",
            new ProducerOptions<string> { AccessMode = ProducerAccessMode.Exclusive }, Cancelled);
        var options = new ProducerOptions<string> { AccessMode = ProducerAccessMode.WaitForExclusive };
        var waiting = stage.Client.CreateProducerAsync("t", options, Cancelled);
        await stage.Client.PingAsync(Cancelled);
        await stage.Network.CutAsync();
        for (var dials = 0; dials < 2; dials++)
            await stage.Network.Dials.ReadAsync(Cancelled);
        await stage.Client.PingAsync(Cancelled);
        Assert.False(waiting.IsCompleted);

        await holder.DisposeAsync();

        await using var admitted = await waiting;
        await admitted.SendAsync("a", Cancelled);
    }

    [Fact]
    public async Task A_fenced_producer_stays_fenced_when_its_connection_ends_behind_the_notice()
    {
        for (var round = 0; round < 50; round++)
        {
            var broker = new ScriptedBroker();
            await using var client = await CometClient.ConnectAsync(
                new CometClientOptions { Transport = broker, Reconnect = Stage.Impatient }, Cancelled);
            await using var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
            var session = await broker.Sessions.ReadAsync(Cancelled);
            session.Send(new ProducerClosedFrame(1, ErrorCode.ProducerFenced, null));
            await session.HangUpAsync();

            await producer.State.WaitForAsync(ProducerState.Faulted, Cancelled);
            Assert.Equal(ErrorCode.ProducerFenced, producer.State.Fault!.Code);
        }
    }
}
