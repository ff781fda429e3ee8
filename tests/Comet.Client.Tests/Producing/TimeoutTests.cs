using Comet.Client.Tests.Scripted;
using Comet.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Tests.Producing;

public class TimeoutTests
{
    private static readonly TimeSpan s_sendTimeout = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_send_that_is_not_confirmed_in_time_fails_with_Timeout_and_is_stored_later_all_the_same()
    {
        var time = new FakeTimeProvider();
        await using var stage = await Stage.StartAsync(options: new() { TimeProvider = time });
        await using var producer = await stage.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        stage.Network.Requests.Close();
        var send = producer.SendAsync("late", Cancelled).AsTask();

        time.Advance(s_sendTimeout - TimeSpan.FromSeconds(1));
        Assert.False(send.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(ErrorCode.Timeout, (await Assert.ThrowsAsync<CometException>(() => send)).Code);
        stage.Network.Requests.Open();
        await producer.FlushAsync(Cancelled);
        Assert.Equal(["late"], await Eventually.ReadTopicAsync(stage.Observer, "t"));
    }

    [Fact]
    public async Task FlushAsync_fails_with_Timeout_when_nothing_is_confirmed_for_that_long()
    {
        var time = new FakeTimeProvider();
        await using var stage = await Stage.StartAsync(options: new() { TimeProvider = time });
        await using var producer = await stage.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        stage.Network.Requests.Close();
        Assert.True(producer.Writer.TryWrite("a"));
        var flush = producer.FlushAsync(Cancelled);

        time.Advance(s_sendTimeout + TimeSpan.FromSeconds(5));

        Assert.Equal(ErrorCode.Timeout, (await Assert.ThrowsAsync<CometException>(() => flush)).Code);
        stage.Network.Requests.Open();
        await producer.FlushAsync(Cancelled);
    }

    [Fact]
    public async Task A_send_that_finds_no_room_for_that_long_fails_with_Timeout_and_takes_nothing()
    {
        var time = new FakeTimeProvider();
        await using var stage = await Stage.StartAsync(options: new() { TimeProvider = time });
        var options = new ProducerOptions<string> { MaxPendingMessages = 1 };
        await using var producer = await stage.Client.CreateProducerAsync("t", options, Cancelled);
        stage.Network.Requests.Close();
        Assert.True(producer.Writer.TryWrite("a"));
        var send = producer.SendAsync("b", Cancelled).AsTask();

        time.Advance(s_sendTimeout + TimeSpan.FromSeconds(5));

        var refused = await Assert.ThrowsAsync<CometException>(() => send);
        Assert.Equal(ErrorCode.Timeout, refused.Code);
        Assert.Contains("no room", refused.Message, StringComparison.Ordinal);
        stage.Network.Requests.Open();
        await producer.FlushAsync(Cancelled);
        Assert.Equal(["a"], await Eventually.ReadTopicAsync(stage.Observer, "t"));
    }

    [Fact]
    public async Task Each_message_is_waited_for_as_long_as_SendTimeout_says_whatever_batch_it_is_in()
    {
        var time = new FakeTimeProvider();
        await using var stage = await Stage.StartAsync(options: new() { TimeProvider = time });
        await using var producer = await stage.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        stage.Network.Requests.Close();
        // Eight go alone; the second opens a batch behind them that the third joins much later.
        var first = Enumerable.Range(0, 8).Select(_ => producer.SendAsync("first", Cancelled).AsTask()).ToArray();
        var second = producer.SendAsync("second", Cancelled).AsTask();
        time.Advance(TimeSpan.FromSeconds(25));
        var third = producer.SendAsync("third", Cancelled).AsTask();

        time.Advance(TimeSpan.FromSeconds(10));

        foreach (var overdue in first.Append(second))
            await Assert.ThrowsAsync<CometException>(() => overdue);
        Assert.False(third.IsCompleted);
        stage.Network.Requests.Open();
        Assert.Equal(9, (await third).Offset);
    }

    [Fact]
    public async Task A_value_that_could_not_be_serialized_takes_no_time_from_the_next_one()
    {
        var time = new FakeTimeProvider();
        await using var stage = await Stage.StartAsync(options: new() { TimeProvider = time });
        await using var producer = await stage.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await Assert.ThrowsAsync<CometException>(async () => await producer.SendAsync("\ud800", Cancelled));
        time.Advance(s_sendTimeout);
        stage.Network.Requests.Close();
        var send = producer.SendAsync("good", Cancelled).AsTask();

        time.Advance(TimeSpan.FromSeconds(10));

        Assert.False(send.IsCompleted);
        stage.Network.Requests.Open();
        Assert.Equal(0, (await send).Offset);
    }

    [Fact]
    public async Task Disposing_is_bounded_when_the_broker_does_not_answer()
    {
        var broker = new ScriptedBroker();
        var time = new FakeTimeProvider();
        var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker, TimeProvider = time }, Cancelled);
        var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        var session = await broker.Sessions.ReadAsync(Cancelled);
        var send = producer.SendAsync("a", Cancelled).AsTask();
        await session.ExpectAsync(FrameType.Publish);
        broker.Answers = false;

        var disposing = client.DisposeAsync().AsTask();
        Assert.False(disposing.IsCompleted);
        time.Advance(new CometClientOptions().DisposeTimeout);

        await disposing.WaitAsync(Cancelled);
        Assert.Equal(ErrorCode.Closed, (await Assert.ThrowsAsync<CometException>(() => send)).Code);
        await session.Ended;
    }
}
