using System.Reactive.Linq;
using Comet.Client.Tests;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Rx.Tests;

/// <summary>Leases that are lost in the middle of a pipeline, on the time of broker, client and Rx together.</summary>
public sealed class LeaseTests : IAsyncLifetime
{
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new();
    private Comet.Server.CometBroker _broker = null!;
    private CometClient _client = null!;
    private Consumer<string> _consumer = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _broker = new Comet.Server.CometBroker(new() { HeartbeatInterval = TimeSpan.FromHours(1) }, _time);
        _client = await CometClient.ConnectAsync(
            new CometClientOptions { Transport = _broker.Transport, TimeProvider = _time }, Cancelled);
        var options = new ConsumerOptions<string>
        {
            Type = SubscriptionType.Shared, LeaseDuration = s_lease, MaxLeaseExtension = TimeSpan.Zero,
        };
        _consumer = await _client.SubscribeAsync("t", "s", options, Cancelled);
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        await _broker.DisposeAsync();
    }

    [Fact]
    public async Task A_handlers_token_is_cancelled_when_the_lease_is_lost_and_what_came_again_is_left_alone()
    {
        using var gate = new SemaphoreSlim(0);
        using var started = new SemaphoreSlim(0);
        var failed = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        var acked = new TaskCompletionSource<Delivery<string>>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var handle = _consumer.AsObservable().Acknowledge(
            async (delivery, token) =>
            {
                started.Release();
                if (delivery.DeliveryCount == 1)
                    await Task.Delay(Timeout.InfiniteTimeSpan, _time, token);
                await gate.WaitAsync(token);
            },
            new AcknowledgeOptions { FirstNackDelay = TimeSpan.FromHours(1), OnFailure = e => failed.TrySetResult(e) })
            .Subscribe(d => acked.TrySetResult(d));
        await SendAsync("a");
        await started.WaitAsync(Cancelled);

        _time.Advance(s_lease + TimeSpan.FromMilliseconds(1));

        Assert.IsAssignableFrom<OperationCanceledException>(await failed.Task.WaitAsync(Cancelled));
        await started.WaitAsync(Cancelled);
        await _client.PingAsync(Cancelled);
        // Had the failed handler given it back, it would be taken from the second one, and stay away for an hour.
        Assert.Equal(1, (await _client.Topics.DescribeAsync("t", Cancelled)).Unacked());
        gate.Release();
        Assert.Equal(2, (await acked.Task.WaitAsync(Cancelled)).DeliveryCount);
        await _consumer.FlushAcksAsync(Cancelled);
        Assert.Equal(0, (await _client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task What_was_lost_while_a_buffer_was_gathered_is_left_out_of_it()
    {
        using var seen = new SemaphoreSlim(0);
        var groups = new List<string>();
        using var handled = new SemaphoreSlim(0);
        using var handle = _consumer.AsObservable().Do(_ => seen.Release())
            .Buffer(TimeSpan.FromSeconds(15), _time.AsScheduler())
            .Acknowledge((group, _) =>
            {
                groups.Add(string.Join(' ', group.Select(static d => $"{d.Value}*{d.DeliveryCount}")));
                return Task.CompletedTask;
            })
            .Subscribe(_ => handled.Release());
        await SendAsync("a", "b");
        await TakeAsync(seen, 2);
        _time.Advance(TimeSpan.FromSeconds(9));
        await SendAsync("c");
        await TakeAsync(seen, 1);
        // The first two are taken back, and come again into the same buffer.
        _time.Advance(TimeSpan.FromSeconds(2));
        await TakeAsync(seen, 2);
        _time.Advance(TimeSpan.FromSeconds(4));
        await handled.WaitAsync(Cancelled);
        Assert.Equal(["c*1 a*2 b*2"], groups);
        await _consumer.FlushAcksAsync(Cancelled);
        Assert.Equal(0, (await _client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task A_buffer_of_which_all_is_lost_is_not_handled()
    {
        using var seen = new SemaphoreSlim(0);
        var groups = new List<int>();
        using var handle = _consumer.AsObservable().Do(_ => seen.Release()).Where(static d => d.DeliveryCount == 1)
            .Buffer(TimeSpan.FromSeconds(15), _time.AsScheduler())
            .Where(static group => group.Count > 0)
            .Acknowledge((group, _) =>
            {
                groups.Add(group.Count);
                return Task.CompletedTask;
            })
            .Subscribe();
        await SendAsync("a", "b");
        await TakeAsync(seen, 2);
        _time.Advance(TimeSpan.FromSeconds(11));
        await TakeAsync(seen, 2);
        _time.Advance(TimeSpan.FromSeconds(5));
        await _client.PingAsync(Cancelled);
        Assert.Empty(groups);
    }

    [Fact]
    public async Task A_window_whose_query_fails_gives_back_only_what_it_still_holds()
    {
        using var seen = new SemaphoreSlim(0);
        var failed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isFirst = true;
        var options = new AcknowledgeOptions { FirstNackDelay = TimeSpan.FromHours(1), OnFailure = _ => failed.TrySetResult() };
        var first = new List<string>();
        using var handle = _consumer.AsObservable().Do(_ => seen.Release()).Where(static d => d.DeliveryCount == 1)
            .Window(TimeSpan.FromSeconds(15), _time.AsScheduler())
            .AcknowledgeWindows(
                w =>
                {
                    var fails = isFirst;
                    isFirst = false;
                    return w.Do(d => first.Add(d.Value)).Count()
                        .Select(c => fails ? throw new InvalidOperationException("planted") : c);
                },
                options)
            .Subscribe();
        await SendAsync("a");
        await TakeAsync(seen, 1);
        _time.Advance(TimeSpan.FromSeconds(11));
        // It has come again: this one is nobody's in the pipeline, and must stay with the consumer.
        await TakeAsync(seen, 1);
        await SendAsync("b");
        await TakeAsync(seen, 1);
        _time.Advance(TimeSpan.FromSeconds(4));
        await failed.Task.WaitAsync(Cancelled);
        Assert.Equal(["a", "b"], first);
        var topic = await Eventually.TopicAsync(_client, "t", static t => t.Unacked() < 2);
        Assert.Equal((1, 2), (topic.Unacked(), topic.Backlog()));
    }

    private static async Task TakeAsync(SemaphoreSlim signal, int count)
    {
        for (var i = 0; i < count; i++)
            await signal.WaitAsync(Cancelled);
    }

    private async Task SendAsync(params string[] values)
    {
        await using var producer = await _client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        foreach (var value in values)
            await producer.SendAsync(value, Cancelled);
    }
}
