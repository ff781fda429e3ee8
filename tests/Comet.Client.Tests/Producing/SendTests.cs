using Comet.Client.Tests.Scripted;

namespace Comet.Client.Tests.Producing;

public class SendTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ten_thousand_sends_in_flight_are_confirmed_in_order_with_the_offsets_they_are_stored_at()
    {
        const int Count = 10_000;
        await using var comet = await Embedded.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);

        var sends = Enumerable.Range(0, Count).Select(i => producer.SendAsync($"{i}").AsTask()).ToArray();
        var ids = await Task.WhenAll(sends).WaitAsync(Cancelled);

        Assert.Equal(Enumerable.Range(0, Count).Select(static i => new MessageId("t", 0, i)), ids);
        Assert.Equal(Enumerable.Range(0, Count).Select(static i => $"{i}"), await Eventually.ReadTopicAsync(comet.Client, "t"));
        Assert.Equal(0, producer.PendingMessages);
    }

    [Fact]
    public async Task FlushAsync_completes_when_everything_is_confirmed_and_not_before()
    {
        await using var stage = await Stage.StartAsync();
        await using var producer = await stage.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        stage.Network.Answers.Close();
        // Eight batches of one message are stored; the ninth has the others and waits for a confirm.
        for (var i = 0; i < 8; i++)
        {
            await producer.Writer.WriteAsync($"{i}", Cancelled);
            await Eventually.TopicAsync(stage.Observer, "t", t => t.Stored() == i + 1);
        }
        for (var i = 8; i < 100; i++)
            await producer.Writer.WriteAsync($"{i}", Cancelled);

        var flush = producer.FlushAsync(Cancelled);

        await stage.Observer.PingAsync(Cancelled);
        Assert.False(flush.IsCompleted);
        Assert.Equal(100, producer.PendingMessages);
        stage.Network.Answers.Open();
        await flush;
        Assert.Equal(100, (await stage.Observer.Topics.DescribeAsync("t", Cancelled)).Stored());
        Assert.Equal(0, producer.PendingMessages);
    }

    [Fact]
    public async Task FlushAsync_of_nothing_completes_at_once()
    {
        await using var comet = await Embedded.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        Assert.True(producer.FlushAsync(Cancelled).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task A_cancelled_send_throws_and_the_message_that_was_taken_is_still_stored()
    {
        await using var stage = await Stage.StartAsync();
        await using var producer = await stage.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        stage.Network.Answers.Close();
        using var source = new CancellationTokenSource();

        var send = producer.SendAsync("taken", source.Token);
        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await send);
        stage.Network.Answers.Open();
        await producer.FlushAsync(Cancelled);
        Assert.Equal(["taken"], await Eventually.ReadTopicAsync(stage.Observer, "t"));
    }

    [Fact]
    public async Task A_send_with_a_token_that_is_cancelled_already_takes_nothing()
    {
        await using var comet = await Embedded.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        var cancelled = new CancellationToken(canceled: true);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await producer.SendAsync("never", cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await producer.Writer.WriteAsync("never", cancelled));

        await producer.FlushAsync(Cancelled);
        Assert.Empty(await Eventually.ReadTopicAsync(comet.Client, "t"));
    }

    [Fact]
    public async Task Keys_headers_and_publish_times_travel_through_every_codec()
    {
        foreach (var codec in new[] { HeaderCodec.MessagePack, HeaderCodec.Json })
        {
            await using var comet = await Embedded.StartAsync(options: new() { HeaderCodec = codec });
            await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
            await using var reader = await comet.Client.CreateReaderAsync<string>("t", cancellationToken: Cancelled);
            var born = new DateTimeOffset(2001, 2, 3, 4, 5, 6, TimeSpan.Zero);
            var headers = new MessageHeaders { { "a", "1" }, { "a", "2" }, { "ü", "ß" } };

            await producer.EnqueueAsync(new OutgoingMessage<string>("v") { Key = "schlüssel", Headers = headers,
                PublishTime = born }, Cancelled);
            await producer.SendAsync(new OutgoingMessage<string>("w") { Key = "" }, Cancelled);

            var first = await reader.ReceiveAsync(Cancelled);
            Assert.Equal(("v", "schlüssel", born), (first.Value, first.Key, first.PublishTime));
            Assert.Equal(headers.Select(static h => (h.Key, Convert.ToHexString(h.Value.Span))),
                first.Headers.Select(static h => (h.Key, Convert.ToHexString(h.Value.Span))));
            Assert.Equal("", (await reader.ReceiveAsync(Cancelled)).Key);
        }
    }

    [Fact]
    public async Task A_disposed_producer_refuses_with_Closed_and_has_sent_what_it_took()
    {
        await using var comet = await Embedded.StartAsync();
        var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < 1000; i++)
            Assert.True(producer.Writer.TryWrite($"{i}"));

        await producer.DisposeAsync();
        await producer.DisposeAsync();

        Assert.Equal(1000, (await Eventually.ReadTopicAsync(comet.Client, "t")).Count);
        Assert.Equal(ProducerState.Closed, producer.State.Current);
        Assert.Equal(ErrorCode.Closed, (await Assert.ThrowsAsync<CometException>(
            async () => await producer.SendAsync("x", Cancelled))).Code);
        Assert.Equal(ErrorCode.Closed, (await Assert.ThrowsAsync<CometException>(() => producer.FlushAsync(Cancelled))).Code);
        Assert.Equal(ErrorCode.Closed, Assert.Throws<CometException>(() => producer.Writer.TryWrite("x")).Code);
    }

    [Fact]
    public async Task Completing_the_writer_ends_the_writer_and_not_the_producer()
    {
        await using var comet = await Embedded.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await producer.Writer.WriteAsync("a", Cancelled);

        Assert.True(producer.Writer.TryComplete());
        Assert.False(producer.Writer.TryComplete());

        Assert.False(producer.Writer.TryWrite("b"));
        Assert.False(await producer.Writer.WaitToWriteAsync(Cancelled));
        await Assert.ThrowsAsync<System.Threading.Channels.ChannelClosedException>(
            async () => await producer.Writer.WriteAsync("b", Cancelled));
        await producer.SendAsync("c", Cancelled);
        Assert.Equal(["a", "c"], await Eventually.ReadTopicAsync(comet.Client, "t"));
    }
}
