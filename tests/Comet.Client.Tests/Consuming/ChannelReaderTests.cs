namespace Comet.Client.Tests.Consuming;

public class ChannelReaderTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_reads_what_comes_holds_no_more_than_the_window_and_completes_with_the_consumer()
    {
        await using var comet = await Embedded.StartAsync();
        var consumer = await comet.Client.SubscribeAsync<string>("t", "s", new() { ReceiveWindowMessages = 2 }, Cancelled);
        var reader = consumer.AsChannelReader();
        Assert.False(reader.TryRead(out _));
        await SendAsync(comet.Client, 10);
        for (var i = 0; i < 10; i++)
        {
            Assert.True(await reader.WaitToReadAsync(Cancelled));
            await Eventually.TopicAsync(comet.Client, "t", t => t.Unacked() == Math.Min(2, 10 - i));
            var delivery = await reader.ReadAsync(Cancelled);
            Assert.Equal($"{i}", delivery.Value);
            await delivery.AckAsync(Cancelled);
            await consumer.FlushAcksAsync(Cancelled);
        }
        var waiting = reader.WaitToReadAsync(Cancelled).AsTask();
        Assert.False(reader.Completion.IsCompleted);
        await consumer.DisposeAsync();
        Assert.False(await waiting);
        await reader.Completion.WaitAsync(Cancelled);
    }

    [Fact]
    public async Task A_fault_ends_it_behind_what_had_arrived()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        var reader = consumer.AsChannelReader();
        await SendAsync(comet.Client, 3);
        await Eventually.TopicAsync(comet.Client, "t", static t => t.Unacked() == 3);
        await comet.Client.Topics.DeleteAsync("t", Cancelled);
        await consumer.State.WaitForAsync(ConsumerState.Faulted, Cancelled);
        Assert.False(reader.Completion.IsCompleted);
        var seen = new List<string>();
        var fault = await Assert.ThrowsAsync<CometException>(async () =>
        {
            await foreach (var delivery in reader.ReadAllAsync(Cancelled))
                seen.Add(delivery.Value);
        });
        Assert.Equal(["0", "1", "2"], seen);
        Assert.Equal(ErrorCode.TopicDeleted, fault.Code);
        Assert.Equal(ErrorCode.TopicDeleted, (await Assert.ThrowsAsync<CometException>(() => reader.Completion.WaitAsync(Cancelled))).Code);
    }

    private static async Task SendAsync(CometClient client, int count)
    {
        await using var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < count; i++)
            await producer.SendAsync($"{i}", Cancelled);
    }
}
