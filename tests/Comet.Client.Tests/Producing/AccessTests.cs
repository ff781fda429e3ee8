namespace Comet.Client.Tests.Producing;

public class AccessTests
{
    private static readonly ProducerOptions<string> s_waiting = new() { AccessMode = ProducerAccessMode.WaitForExclusive };
    private static readonly ProducerOptions<string> s_exclusive = new() { AccessMode = ProducerAccessMode.Exclusive };

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Shared_producers_share_and_keep_an_exclusive_one_out()
    {
        await using var comet = await Embedded.StartAsync();
        await using var first = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await using var second = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await first.SendAsync("a", Cancelled);
        await second.SendAsync("b", Cancelled);

        var refused = await Assert.ThrowsAsync<CometException>(() => comet.Client.CreateProducerAsync("t", s_exclusive, Cancelled));

        Assert.Equal(ErrorCode.ProducerBusy, refused.Code);
    }

    [Fact]
    public async Task An_exclusive_producer_keeps_all_others_out_until_it_goes()
    {
        await using var comet = await Embedded.StartAsync(new() { DefaultPartitionCount = 3 });
        var holder = await comet.Client.CreateProducerAsync("t", s_exclusive, Cancelled);
        foreach (var options in new[] { s_exclusive, new ProducerOptions<string>() })
        {
            var refused = await Assert.ThrowsAsync<CometException>(() => comet.Client.CreateProducerAsync("t", options, Cancelled));
            Assert.Equal(ErrorCode.ProducerBusy, refused.Code);
        }

        await holder.DisposeAsync();

        await using var next = await comet.Client.CreateProducerAsync("t", s_exclusive, Cancelled);
        await next.SendAsync("a", Cancelled);
    }

    [Fact]
    public async Task Who_waits_for_exclusive_access_is_admitted_when_the_other_one_goes()
    {
        await using var comet = await Embedded.StartAsync(new() { DefaultPartitionCount = 2 });
        var holder = await comet.Client.CreateProducerAsync("t", s_exclusive, Cancelled);
        var waiting = comet.Client.CreateProducerAsync("t", s_waiting, Cancelled);
        await comet.Client.PingAsync(Cancelled);
        Assert.False(waiting.IsCompleted);

        await holder.DisposeAsync();

        await using var admitted = await waiting;
        await admitted.SendAsync("a", Cancelled);
        var refused = await Assert.ThrowsAsync<CometException>(() => comet.Client.CreateProducerAsync("t", s_exclusive, Cancelled));
        Assert.Equal(ErrorCode.ProducerBusy, refused.Code);
    }

    [Fact]
    public async Task A_cancelled_wait_leaves_nothing_behind_once_the_holder_has_gone()
    {
        await using var comet = await Embedded.StartAsync();
        var holder = await comet.Client.CreateProducerAsync("t", s_exclusive, Cancelled);
        using var source = new CancellationTokenSource();
        var cancelled = comet.Client.CreateProducerAsync("t", s_waiting, source.Token);
        await comet.Client.PingAsync(Cancelled);
        var waiting = comet.Client.CreateProducerAsync("t", s_waiting, Cancelled);

        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        await holder.DisposeAsync();

        await using (var admitted = await waiting)
            await admitted.SendAsync("a", Cancelled);
        await Eventually.TopicAsync(comet.Client, "t", static t => t.Partitions[0].Producers == 0);
        await using var shared = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
    }

    [Fact]
    public async Task A_second_producer_of_the_same_name_fences_the_first()
    {
        await using var comet = await Embedded.StartAsync();
        var options = new ProducerOptions<string> { ProducerName = "importer" };
        await using var first = await comet.Client.CreateProducerAsync("t", options, Cancelled);
        await first.SendAsync("a", Cancelled);
        await using var second = await comet.Client.CreateProducerAsync("t", options, Cancelled);

        await first.State.WaitForAsync(ProducerState.Faulted, Cancelled);

        Assert.Equal(ErrorCode.ProducerFenced, first.State.Fault!.Code);
        Assert.Equal(ErrorCode.ProducerFenced,
            (await Assert.ThrowsAsync<CometException>(async () => await first.SendAsync("b", Cancelled))).Code);
        Assert.Equal(1, (await second.SendAsync("c", Cancelled)).Offset);
        Assert.Equal(["a", "c"], await Eventually.ReadTopicAsync(comet.Client, "t"));
    }

    [Fact]
    public async Task A_producer_goes_on_behind_the_last_message_of_its_name()
    {
        await using var comet = await Embedded.StartAsync();
        var options = new ProducerOptions<string> { ProducerName = "importer" };
        for (var run = 0; run < 3; run++)
        {
            await using var producer = await comet.Client.CreateProducerAsync("t", options, Cancelled);
            Assert.Equal(2 * run, (await producer.SendAsync("a", Cancelled)).Offset);
            Assert.Equal((2 * run) + 1, (await producer.SendAsync("b", Cancelled)).Offset);
        }
    }
}
