using System.Reactive.Linq;
using System.Reactive.Threading.Tasks;
using Comet.Client.Tests;
using Comet.Server;

namespace Comet.Client.Rx.Tests;

public class ReplayTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_replay_is_a_sequence_that_completes_and_each_handle_begins_anew()
    {
        await using var comet = await Embedded.StartAsync(new() { DefaultPartitionCount = 3 });
        await SendAsync(comet.Client, 100);
        var replay = comet.Client.Replay<string>("t", StartPosition.Earliest).AsObservable();
        for (var i = 0; i < 2; i++)
        {
            var seen = await replay.Select(static d => d.Value).ToList().ToTask(Cancelled);
            Assert.Equal(Enumerable.Range(0, 100).Select(static i => $"{i}").Order(), seen.Order());
        }
        var failure = await Assert.ThrowsAsync<CometException>(
            () => comet.Client.Replay<string>("none", StartPosition.Earliest).AsObservable().ToTask(Cancelled));
        Assert.Equal(ErrorCode.TopicNotFound, failure.Code);
    }

    [Fact]
    public async Task It_keeps_the_gaps_and_a_handle_that_is_disposed_ends_it()
    {
        var time = new WatchedTime();
        await using var broker = new CometBroker(new() { HeartbeatInterval = TimeSpan.FromHours(1) }, time);
        await using var client = await CometClient.ConnectAsync(
            new CometClientOptions { Transport = broker.Transport, TimeProvider = time }, Cancelled);
        for (var i = 0; i < 3; i++)
        {
            await SendAsync(client, 1);
            time.Advance(TimeSpan.FromSeconds(50));
        }
        using var shown = new SemaphoreSlim(0);
        using (client.Replay<string>("t", StartPosition.Earliest).WithSpeed(ReplaySpeed.Times(2)).AsObservable()
            .Subscribe(_ => shown.Release()))
        {
            await shown.WaitAsync(Cancelled);
            await time.WaitForTimerAsync(TimeSpan.FromSeconds(25));
            time.Advance(TimeSpan.FromSeconds(24));
            await client.PingAsync(Cancelled);
            Assert.Equal(0, shown.CurrentCount);
            time.Advance(TimeSpan.FromSeconds(1));
            await shown.WaitAsync(Cancelled);
        }
        time.Advance(TimeSpan.FromMinutes(10));
        await client.PingAsync(Cancelled);
        Assert.Equal(0, shown.CurrentCount);
    }

    private static async Task SendAsync(CometClient client, int count)
    {
        await using var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < count; i++)
            await producer.SendAsync($"{i}", Cancelled);
    }
}
