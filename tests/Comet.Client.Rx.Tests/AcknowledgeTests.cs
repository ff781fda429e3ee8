using System.Reactive.Linq;
using Comet.Client.Tests;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Rx.Tests;

public class AcknowledgeTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_handled_is_acked_and_passed_on()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await SendAsync(comet.Client, 100);
        var handled = new List<string>();
        var passed = await consumer.AsObservable().Acknowledge(d => handled.Add(d.Value)).Select(static d => d.Value).Take(100).ToList()
            .RunAsync(Cancelled);
        await consumer.FlushAcksAsync(Cancelled);
        Assert.Equal(Enumerable.Range(0, 100).Select(static i => $"{i}"), passed);
        Assert.Equal(passed, handled.Take(100));
        Assert.Equal(0, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task What_fails_comes_again_after_a_growing_delay_and_the_sequence_survives()
    {
        var time = new FakeTimeProvider();
        await using var broker = new Comet.Server.CometBroker(new() { HeartbeatInterval = TimeSpan.FromHours(1) }, time);
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport }, Cancelled);
        await using var consumer = await client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await SendAsync(client, 3);
        var failures = new List<Exception>();
        using var attempted = new SemaphoreSlim(0);
        var counts = new List<int>();
        var passed = new List<string>();
        var options = new AcknowledgeOptions
        {
            FirstNackDelay = TimeSpan.FromSeconds(1),
            MaxNackDelay = TimeSpan.FromSeconds(3),
            OnFailure = failures.Add
        };
        using var handle = consumer.AsObservable().Acknowledge(
            d =>
            {
                if (d.Value != "1")
                    return;
                counts.Add(d.DeliveryCount);
                attempted.Release();
                if (d.DeliveryCount < 5)
                    throw new InvalidOperationException("Not yet.");
            },
            options).Subscribe(d => passed.Add(d.Value));

        foreach (var delay in new[] { 1, 2, 3, 3 })
        {
            await attempted.WaitAsync(Cancelled);
            await Eventually.TopicAsync(client, "t", static t => t.Unacked() == 0);
            time.Advance(TimeSpan.FromSeconds(delay) - TimeSpan.FromMilliseconds(1));
            await client.PingAsync(Cancelled);
            Assert.Equal(0, (await client.Topics.DescribeAsync("t", Cancelled)).Unacked());
            // The broker's timer rounds up.
            time.Advance(TimeSpan.FromMilliseconds(2));
        }
        await attempted.WaitAsync(Cancelled);
        await Eventually.TopicAsync(client, "t", static t => t.Backlog() == 0);
        Assert.Equal([1, 2, 3, 4, 5], counts);
        Assert.Equal(4, failures.Count);
        Assert.Equal(["0", "2", "1"], passed);
    }

    [Fact]
    public async Task No_more_handlers_run_at_a_time_than_MaxConcurrency_and_the_source_is_held_meanwhile()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", new() { ReceiveWindowMessages = 1 }, Cancelled);
        await SendAsync(comet.Client, 20);
        using var started = new SemaphoreSlim(0);
        using var gate = new SemaphoreSlim(0);
        var running = 0;
        var most = 0;
        using var handle = consumer.AsObservable().Acknowledge(
            async (_, token) =>
            {
                lock (started)
                    most = Math.Max(most, ++running);
                started.Release();
                await gate.WaitAsync(token);
                lock (started)
                    running--;
            },
            new AcknowledgeOptions { MaxConcurrency = 3 }).Subscribe();
        for (var i = 0; i < 3; i++)
            await started.WaitAsync(Cancelled);
        // Three are handled, one is held in front of them, one is in the window.
        var topic = await Eventually.TopicAsync(comet.Client, "t", static t => t.Unacked() == 5);
        Assert.Equal(20, topic.Backlog());
        gate.Release(20);
        await Eventually.TopicAsync(comet.Client, "t", static t => t.Backlog() == 0);
        Assert.Equal(3, most);
    }

    [Fact]
    public async Task A_group_is_acked_or_given_back_as_a_whole()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await SendAsync(comet.Client, 10);
        var isFirst = true;
        var options = new AcknowledgeOptions { FirstNackDelay = TimeSpan.Zero };
        var groups = await consumer.AsObservable().Buffer(5).Acknowledge(
            (group, _) =>
            {
                var fails = isFirst;
                isFirst = false;
                return fails ? Task.FromException(new InvalidOperationException("The first group fails.")) : Task.CompletedTask;
            },
            options).Take(2).ToList().RunAsync(Cancelled);
        await consumer.FlushAcksAsync(Cancelled);
        Assert.Equal(["5", "6", "7", "8", "9"], groups[0].Select(static d => d.Value));
        Assert.Equal([("0", 2), ("1", 2), ("2", 2), ("3", 2), ("4", 2)], groups[1].Select(static d => (d.Value, d.DeliveryCount)));
        Assert.Equal(0, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task WhereOrAcknowledge_acks_what_it_does_not_let_through()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await SendAsync(comet.Client, 10);
        var kept = await consumer.AsObservable().WhereOrAcknowledge(static d => d.Value is "3" or "9").Take(2).Select(static d => d.Value)
            .ToList().RunAsync(Cancelled);
        await consumer.FlushAcksAsync(Cancelled);
        Assert.Equal(["3", "9"], kept);
        Assert.Equal(2, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task A_consumer_that_is_gone_ends_the_sequence_once_however_many_handlers_find_out()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await SendAsync(comet.Client, 4);
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var started = new SemaphoreSlim(0);
        var errors = new List<Exception>();
        var ended = new TaskCompletionSource();
        using var handle = consumer.AsObservable().Acknowledge(
            async (_, _) =>
            {
                started.Release();
                await gone.Task;
            },
            new AcknowledgeOptions { MaxConcurrency = 4 }).Subscribe(
            static _ => { },
            e =>
            {
                errors.Add(e);
                ended.TrySetResult();
            });
        for (var i = 0; i < 4; i++)
            await started.WaitAsync(Cancelled);
        await comet.Client.Topics.DeleteAsync("t", Cancelled);
        await consumer.State.WaitForAsync(ConsumerState.Faulted, Cancelled);
        gone.SetResult();
        await ended.Task.WaitAsync(Cancelled);
        Assert.Equal(ErrorCode.TopicDeleted, Assert.IsType<CometException>(Assert.Single(errors)).Code);
    }

    private static async Task SendAsync(CometClient client, int count)
    {
        await using var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < count; i++)
            await producer.Writer.WriteAsync($"{i}", Cancelled);
    }
}
