using Comet.Client.Tests.Scripted;

namespace Comet.Client.Tests.Producing;

public class WindowTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_full_window_refuses_TryWrite_holds_WriteAsync_and_goes_on_with_the_confirms()
    {
        await using var stage = await Stage.StartAsync();
        var options = new ProducerOptions<string> { MaxPendingMessages = 10 };
        await using var producer = await stage.Client.CreateProducerAsync("t", options, Cancelled);
        stage.Network.Answers.Close();
        for (var i = 0; i < 10; i++)
            Assert.True(producer.Writer.TryWrite($"{i}"));

        Assert.False(producer.Writer.TryWrite("10"));
        var writing = producer.Writer.WriteAsync("10", Cancelled).AsTask();
        var waiting = producer.Writer.WaitToWriteAsync(Cancelled).AsTask();
        var sending = producer.SendAsync("11", Cancelled).AsTask();
        var enqueueing = producer.EnqueueAsync(new("12"), Cancelled).AsTask();

        Assert.Equal((false, false, false, false), (writing.IsCompleted, waiting.IsCompleted, sending.IsCompleted, enqueueing.IsCompleted));
        Assert.Equal(10, producer.PendingMessages);
        stage.Network.Answers.Open();
        await Task.WhenAll(writing, waiting, sending, enqueueing).WaitAsync(Cancelled);
        await producer.FlushAsync(Cancelled);
        Assert.True(await waiting);
        Assert.Equal(["0", "1", "10", "11", "12", "2", "3", "4", "5", "6", "7", "8", "9"],
            (await Eventually.ReadTopicAsync(stage.Observer, "t")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_window_of_one_message_sends_one_after_the_other()
    {
        await using var comet = await Embedded.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync("t",
            new ProducerOptions<string> { MaxPendingMessages = 1 }, Cancelled);
        var expected = Enumerable.Range(0, 200).Select(static i => $"{i}").ToArray();
        foreach (var value in expected)
        {
            await producer.Writer.WriteAsync(value, Cancelled);
            Assert.InRange(producer.PendingMessages, 0, 1);
        }
        await producer.FlushAsync(Cancelled);
        Assert.Equal(expected, await Eventually.ReadTopicAsync(comet.Client, "t"));
    }

    [Fact]
    public async Task Bytes_fill_the_window_too_and_one_message_larger_than_it_still_goes()
    {
        await using var stage = await Stage.StartAsync();
        var options = new ProducerOptions<byte[]> { MaxPendingBytes = 1024 };
        await using var producer = await stage.Client.CreateProducerAsync("t", options, Cancelled);
        stage.Network.Answers.Close();

        Assert.True(producer.Writer.TryWrite(new byte[5000]));
        Assert.False(producer.Writer.TryWrite([1]));

        stage.Network.Answers.Open();
        await producer.Writer.WriteAsync([1], Cancelled);
        await producer.FlushAsync(Cancelled);
        Assert.Equal(2, (await stage.Observer.Topics.DescribeAsync("t", Cancelled)).Stored());
    }

    [Fact]
    public async Task A_cancelled_wait_for_room_takes_nothing_and_leaves_the_window_usable()
    {
        await using var stage = await Stage.StartAsync();
        await using var producer = await stage.Client.CreateProducerAsync("t",
            new ProducerOptions<string> { MaxPendingMessages = 1 }, Cancelled);
        stage.Network.Answers.Close();
        Assert.True(producer.Writer.TryWrite("first"));
        using var source = new CancellationTokenSource();
        var writing = producer.Writer.WriteAsync("cancelled", source.Token).AsTask();
        var sending = producer.SendAsync("cancelled", source.Token).AsTask();

        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        stage.Network.Answers.Open();
        await producer.SendAsync("second", Cancelled);
        Assert.Equal(["first", "second"], await Eventually.ReadTopicAsync(stage.Observer, "t"));
    }
}
