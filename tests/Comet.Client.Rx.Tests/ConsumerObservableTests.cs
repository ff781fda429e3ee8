using System.Reactive;
using System.Reactive.Concurrency;
using System.Reactive.Linq;
using Comet.Client.Tests;
using Comet.Client.Tests.Scripted;

namespace Comet.Client.Rx.Tests;

public class ConsumerObservableTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Deliveries_come_in_order_and_the_sequence_completes_with_its_consumer()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        var all = new TaskCompletionSource();
        var seen = new List<string>();
        var completed = new TaskCompletionSource();
        using var handle = consumer.AsObservable().Subscribe(
            d =>
            {
                seen.Add(d.Value);
                if (seen.Count == 1_000)
                    all.SetResult();
            },
            completed.SetException,
            completed.SetResult);
        await SendAsync(comet.Client, 1_000);
        await all.Task.WaitAsync(Cancelled);
        await consumer.DisposeAsync();
        await completed.Task.WaitAsync(Cancelled);
        Assert.Equal(Enumerable.Range(0, 1_000).Select(static i => $"{i}"), seen);
    }

    [Fact]
    public async Task The_next_delivery_is_taken_when_OnNext_has_returned()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", new() { ReceiveWindowMessages = 1 }, Cancelled);
        await SendAsync(comet.Client, 10);
        using var gate = new SemaphoreSlim(0);
        using var shown = new SemaphoreSlim(0);
        using var handle = consumer.AsObservable().Subscribe(_ =>
        {
            shown.Release();
            gate.Wait(Cancelled);
        });
        for (var i = 0; i < 5; i++)
        {
            await shown.WaitAsync(Cancelled);
            // One is shown and the window of one is delivered behind it; nothing else has left the broker.
            await Eventually.TopicAsync(comet.Client, "t", t => t.Unacked() == i + 2);
            await comet.Client.PingAsync(Cancelled);
            Assert.Equal(i + 2, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Unacked());
            Assert.Equal(0, shown.CurrentCount);
            gate.Release();
        }
        handle.Dispose();
        gate.Release(10);
    }

    [Fact]
    public async Task Disposing_the_handle_stops_it_and_gives_back_what_was_not_shown_even_when_the_scheduler_never_runs()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", new() { ReceiveWindowMessages = 1 }, Cancelled);
        await SendAsync(comet.Client, 1);
        var scheduler = new SignallingScheduler();
        var shown = new List<string>();
        var handle = consumer.AsObservable(scheduler).Subscribe(d => shown.Add(d.Value));
        await scheduler.Scheduled.WaitAsync(Cancelled);

        handle.Dispose();

        var again = await consumer.ReceiveAsync(Cancelled);
        Assert.Equal(("0", 2), (again.Value, again.DeliveryCount));
        scheduler.RunAll();
        Assert.Empty(shown);
    }

    [Fact]
    public async Task OnNext_is_called_where_the_scheduler_says_and_when()
    {
        await using var comet = await Embedded.StartAsync();
        await using var reader = await comet.Client.CreateReaderAsync<string>("t", cancellationToken: Cancelled);
        await SendAsync(comet.Client, 3);
        var scheduler = new SignallingScheduler();
        var shown = new List<string>();
        using var handle = reader.AsObservable(scheduler).Subscribe(d => shown.Add(d.Value));
        for (var i = 0; i < 3; i++)
        {
            await scheduler.Scheduled.WaitAsync(Cancelled);
            Assert.Equal(i, shown.Count);
            scheduler.RunAll();
            Assert.Equal(i + 1, shown.Count);
        }
        Assert.Equal(["0", "1", "2"], shown);
    }

    [Fact]
    public async Task The_sequence_fails_with_what_the_consumer_is_faulted_with()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        var notifications = consumer.AsObservable().Materialize().FirstAsync(static n => n.Kind != NotificationKind.OnNext)
            .RunAsync(Cancelled);
        await comet.Client.Topics.DeleteAsync("t", Cancelled);
        var end = await notifications;
        Assert.Equal(ErrorCode.TopicDeleted, Assert.IsType<CometException>(end.Exception).Code);
    }

    [Fact]
    public async Task A_state_is_a_sequence_of_its_changes_and_completes_behind_the_last()
    {
        var stage = await Stage.StartAsync();
        await using (stage)
        {
            var first = new TaskCompletionSource();
            var states = new List<ClientState>();
            var completed = new TaskCompletionSource();
            using var handle = stage.Client.State.AsObservable().Subscribe(
                s =>
                {
                    states.Add(s);
                    first.TrySetResult();
                },
                completed.SetResult);
            await first.Task.WaitAsync(Cancelled);
            await stage.Network.Dials.ReadAsync(Cancelled);
            await stage.Network.CutAsync();
            await stage.Network.Dials.ReadAsync(Cancelled);
            await stage.Client.State.WaitForAsync(ClientState.Connected, Cancelled);
            await stage.Client.DisposeAsync();
            await completed.Task.WaitAsync(Cancelled);
            Assert.Equal([ClientState.Connected, ClientState.Reconnecting, ClientState.Connected, ClientState.Closed], states);
        }
    }

    private static async Task SendAsync(CometClient client, int count)
    {
        await using var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < count; i++)
            await producer.Writer.WriteAsync($"{i}", Cancelled);
    }

    /// <summary>Virtual time that tells when something was scheduled.</summary>
    private sealed class SignallingScheduler : IScheduler
    {
        private readonly HistoricalScheduler _inner = new();

        public SemaphoreSlim Scheduled { get; } = new(0);

        public DateTimeOffset Now => _inner.Now;

        public void RunAll()
        {
            lock (_inner)
                _inner.Start();
        }

        public IDisposable Schedule<TState>(TState state, Func<IScheduler, TState, IDisposable> action)
        {
            lock (_inner)
            {
                var handle = _inner.Schedule(state, action);
                Scheduled.Release();
                return handle;
            }
        }

        public IDisposable Schedule<TState>(TState state, TimeSpan dueTime, Func<IScheduler, TState, IDisposable> action) =>
            _inner.Schedule(state, dueTime, action);

        public IDisposable Schedule<TState>(TState state, DateTimeOffset dueTime, Func<IScheduler, TState, IDisposable> action) =>
            _inner.Schedule(state, dueTime, action);
    }
}
