using System.Reactive.Concurrency;
using System.Reactive.Linq;
using System.Reactive.Threading.Tasks;
using Comet.Client.Tests;

namespace Comet.Client.Rx.Tests;

/// <summary>Windows that are acked as one, over virtual time.</summary>
public class WindowTests
{
    private static readonly TimeSpan s_length = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_window_is_acked_when_it_is_closed_and_not_before()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        var clock = new HistoricalScheduler();
        using var seen = new SemaphoreSlim(0);
        var results = new List<int>();
        using var handle = consumer.AsObservable().SelectValue(int.Parse)
            .Window(s_length, clock)
            .AcknowledgeWindows(w => w.Do(_ => seen.Release()).Sum(static d => d.Value))
            .Subscribe(results.Add);
        await SendAsync(comet.Client, 1, 2, 3);
        await TakeAsync(seen, 3);
        clock.AdvanceBy(s_length - TimeSpan.FromSeconds(1));
        await consumer.FlushAcksAsync(Cancelled);
        Assert.Equal((3, 3, 0), await CountAsync(comet.Client, results));
        clock.AdvanceBy(TimeSpan.FromSeconds(1));
        await consumer.FlushAcksAsync(Cancelled);
        Assert.Equal((0, 0, 1), await CountAsync(comet.Client, results));
        await SendAsync(comet.Client, 10, 20);
        await TakeAsync(seen, 2);
        clock.AdvanceBy(s_length);
        Assert.Equal([6, 30], results);
    }

    [Theory]
    [InlineData("in the middle")]
    [InlineData("at the end")]
    [InlineData("at once")]
    public async Task A_window_whose_query_fails_is_given_back_whole_and_the_next_one_goes_on(string when)
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        var clock = new HistoricalScheduler();
        using var seen = new SemaphoreSlim(0);
        var failures = new List<Exception>();
        var isFirst = true;
        var options = new AcknowledgeOptions { FirstNackDelay = TimeSpan.Zero, OnFailure = failures.Add };
        var results = new List<string>();
        using var handle = consumer.AsObservable().Do(_ => seen.Release())
            .Window(s_length, clock)
            .AcknowledgeWindows(
                w =>
                {
                    var query = w.Select(static d => $"{d.Value}*{d.DeliveryCount}").Aggregate("", static (a, b) => $"{a} {b}");
                    if (!isFirst)
                        return query;
                    isFirst = false;
                    var failure = new InvalidOperationException("planted");
                    return when switch
                    {
                        "at once" => throw failure,
                        "at the end" => query.Select<string, string>(_ => throw failure),
                        _ => w.Take(2).Concat(Observable.Throw<Delivery<string>>(failure)).Select(static d => d.Value).TakeLast(1),
                    };
                },
                options)
            .Subscribe(results.Add);
        await SendAsync(comet.Client, 1, 2, 3);
        await TakeAsync(seen, 3);
        Assert.Equal((3, 3, 0), await CountAsync(comet.Client, results));
        clock.AdvanceBy(s_length);
        await TakeAsync(seen, 3);
        clock.AdvanceBy(s_length);
        await consumer.FlushAcksAsync(Cancelled);
        Assert.Equal([" 1*2 2*2 3*2"], results);
        Assert.Equal("planted", Assert.Single(failures).Message);
        Assert.Equal((0, 0, 1), await CountAsync(comet.Client, results));
    }

    [Fact]
    public async Task What_a_window_holds_when_the_handle_is_disposed_is_given_back()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        using var seen = new SemaphoreSlim(0);
        var handle = consumer.AsObservable()
            .Window(s_length, new HistoricalScheduler())
            .AcknowledgeWindows(w => w.Do(_ => seen.Release()).Count())
            .Subscribe();
        await SendAsync(comet.Client, 1, 2);
        await TakeAsync(seen, 2);
        handle.Dispose();
        var again = await consumer.ReceiveBatchAsync(2, TimeSpan.FromMinutes(1), Cancelled);
        Assert.Equal([("1", 2), ("2", 2)], again.Select(static d => (d.Value, d.DeliveryCount)));
    }

    /// <summary>What a window gives back comes again at once: to a source that goes on, it would come for nobody.</summary>
    [Fact]
    public void The_source_is_stopped_before_a_window_gives_anything_back()
    {
        var order = new List<string>();
        var windows = Observable.Create<IObservable<Delivery<string>>>(observer =>
        {
            observer.OnNext(Observable.Never<Delivery<string>>());
            return () => order.Add("source");
        });
        windows.AcknowledgeWindows(_ => Observable.Create<int>(_ => () => order.Add("window"))).Subscribe().Dispose();
        Assert.Equal(["source", "window"], order);
    }

    [Fact]
    public async Task Windows_that_are_closed_and_still_queried_hold_the_source()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", new() { ReceiveWindowMessages = 1 }, Cancelled);
        using var begun = new SemaphoreSlim(0);
        using var gate = new SemaphoreSlim(0);
        await SendAsync(comet.Client, [.. Enumerable.Range(0, 20)]);
        var ended = consumer.AsObservable().Take(20)
            .Window(2)
            .AcknowledgeWindows(
                w => w.Count().SelectMany(async (int count, CancellationToken token) =>
                {
                    begun.Release();
                    await gate.WaitAsync(token);
                    return count;
                }),
                new AcknowledgeOptions { MaxConcurrency = 2 })
            .ToList().ToTask(Cancelled);
        await TakeAsync(begun, 2);
        // Two windows of two are being queried, one delivery waits in front of them, one is in the receive window.
        await Eventually.TopicAsync(comet.Client, "t", static t => t.Unacked() == 6);
        await comet.Client.PingAsync(Cancelled);
        Assert.Equal((6, 0), ((await comet.Client.Topics.DescribeAsync("t", Cancelled)).Unacked(), begun.CurrentCount));
        gate.Release(20);
        // The window that opens behind the last delivery is empty.
        Assert.Equal<int>([0, .. Enumerable.Repeat(2, 10)], (await ended).Order());
        await Eventually.TopicAsync(comet.Client, "t", static t => t.Backlog() == 0);
    }

    [Fact]
    public async Task A_consumer_that_is_gone_ends_the_windows()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        var ended = consumer.AsObservable().Window(s_length, new HistoricalScheduler()).AcknowledgeWindows(static w => w.Count())
            .ToTask(Cancelled);
        await comet.Client.Topics.DeleteAsync("t", Cancelled);
        Assert.Equal(ErrorCode.TopicDeleted, (await Assert.ThrowsAsync<CometException>(() => ended)).Code);
    }

    private static async Task<(long Backlog, long Unacked, int Results)> CountAsync<T>(CometClient client, List<T> results)
    {
        var topic = await client.Topics.DescribeAsync("t", Cancelled);
        return (topic.Backlog(), topic.Unacked(), results.Count);
    }

    private static async Task TakeAsync(SemaphoreSlim signal, int count)
    {
        for (var i = 0; i < count; i++)
            await signal.WaitAsync(Cancelled);
    }

    private static async Task SendAsync(CometClient client, params int[] values)
    {
        await using var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        foreach (var value in values)
            await producer.SendAsync($"{value}", Cancelled);
    }
}
