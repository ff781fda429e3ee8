using Comet.Client.Tests.Scripted;
using Comet.Server;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Tests.Replaying;

public class ReplayTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task All_partitions_come_in_the_order_of_their_append_times_and_the_end_is_what_was_stored_at_the_beginning(int partitions)
    {
        var time = new FakeTimeProvider { AutoAdvanceAmount = TimeSpan.FromMicroseconds(1) };
        await using var broker = new CometBroker(Calm with { DefaultPartitionCount = partitions }, time);
        await using var client = await ConnectAsync(broker, time);
        var sent = await SendAsync(client, 500);
        var replayed = new List<string>();
        await foreach (var delivery in client.Replay<string>("t", StartPosition.Earliest).ReadAllAsync(Cancelled))
        {
            if (replayed.Count == 0)
                await SendAsync(client, 50);
            replayed.Add(delivery.Value);
            await delivery.AckAsync(Cancelled);
        }
        Assert.Equal(sent, replayed);
    }

    [Fact]
    public async Task It_begins_and_ends_where_it_is_told()
    {
        var time = new FakeTimeProvider();
        await using var broker = new CometBroker(Calm with { DefaultPartitionCount = 2 }, time);
        await using var client = await ConnectAsync(broker, time);
        var moments = new List<DateTimeOffset>();
        for (var i = 0; i < 10; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            moments.Add(time.GetUtcNow());
            await SendAsync(client, 4);
        }
        var (byTime, byTimeToEnd) = (StartPosition.FromTime(moments[3]), StartPosition.FromTime(moments[8]));
        Assert.Equal(5 * 4, (await ReadAsync(client.Replay<string>("t", byTime, byTimeToEnd))).Count);
        Assert.Equal(7 * 4, (await ReadAsync(client.Replay<string>("t", byTime))).Count);
        var byOffset = await ReadAsync(client.Replay<string>("t", StartPosition.FromOffset(5), StartPosition.FromOffset(9)));
        Assert.Equal([5, 5, 6, 6, 7, 7, 8, 8], byOffset.Select(static d => d.Id.Offset).Order());
        Assert.Empty(await ReadAsync(client.Replay<string>("t", StartPosition.Latest)));
        Assert.Empty(await ReadAsync(client.Replay<string>("t", StartPosition.FromOffset(9), StartPosition.FromOffset(5))));
        Assert.Empty(await ReadAsync(client.Replay<string>("t", StartPosition.Earliest, StartPosition.Earliest)));
        Assert.Empty((await client.Topics.DescribeAsync("t", Cancelled)).Subscriptions);
        var missing = await Assert.ThrowsAsync<CometException>(() => ReadAsync(client.Replay<string>("none", StartPosition.Earliest)));
        Assert.Equal(ErrorCode.TopicNotFound, missing.Code);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(10, 4)]
    [InlineData(0.5, 2)]
    public async Task The_gaps_are_those_of_the_append_times_divided_by_the_speed(double factor, int partitions)
    {
        var time = new WatchedTime();
        await using var broker = new CometBroker(Calm with { DefaultPartitionCount = partitions }, time);
        await using var client = await ConnectAsync(broker, time);
        TimeSpan[] gaps = [TimeSpan.Zero, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(1), TimeSpan.Zero, TimeSpan.FromMinutes(1)];
        foreach (var gap in gaps)
        {
            time.Advance(gap);
            await SendAsync(client, 1);
        }
        time.Advance(TimeSpan.FromMinutes(5));
        await using var replay = client.Replay<string>("t", StartPosition.Earliest).WithSpeed(ReplaySpeed.Times(factor))
            .ReadAllAsync(Cancelled).GetAsyncEnumerator(Cancelled);
        foreach (var gap in gaps.Select(g => g / factor))
        {
            var next = replay.MoveNextAsync().AsTask();
            if (gap > TimeSpan.Zero)
            {
                await time.WaitForTimerAsync(gap);
                time.Advance(gap - TimeSpan.FromMilliseconds(1));
                for (var i = 0; i < 20; i++)
                    await client.PingAsync(Cancelled);
                Assert.False(next.IsCompleted);
                time.Advance(TimeSpan.FromMilliseconds(1));
            }
            Assert.True(await next.WaitAsync(TimeSpan.FromSeconds(30), Cancelled));
        }
        Assert.False(await replay.MoveNextAsync());
    }

    [Fact]
    public async Task A_slow_program_catches_up_without_waiting()
    {
        var time = new WatchedTime();
        await using var broker = new CometBroker(Calm, time);
        await using var client = await ConnectAsync(broker, time);
        for (var i = 0; i < 10; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await SendAsync(client, 1);
        }
        await using var replay = client.Replay<string>("t", StartPosition.Earliest).WithSpeed(ReplaySpeed.Original)
            .ReadAllAsync(Cancelled).GetAsyncEnumerator(Cancelled);
        Assert.True(await replay.MoveNextAsync());
        time.Advance(TimeSpan.FromSeconds(8));
        for (var i = 0; i < 8; i++)
            Assert.True(await replay.MoveNextAsync());
        var last = replay.MoveNextAsync().AsTask();
        await time.WaitForTimerAsync(TimeSpan.FromSeconds(1));
        Assert.False(last.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await last.WaitAsync(TimeSpan.FromSeconds(30), Cancelled));
    }

    [Fact]
    public async Task Over_lost_connections_each_message_comes_once_and_in_order()
    {
        await using var stage = await Stage.StartAsync(new() { DefaultPartitionCount = 2 });
        await using (var producer = await stage.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled))
        {
            for (var i = 0; i < 25_000; i++)
                await producer.Writer.WriteAsync($"{i}", Cancelled);
            await producer.FlushAsync(Cancelled);
        }
        var seen = new HashSet<MessageId>();
        var last = new long[] { -1, -1 };
        await foreach (var delivery in stage.Client.Replay<string>("t", StartPosition.Earliest).ReadAllAsync(Cancelled))
        {
            Assert.True(seen.Add(delivery.Id));
            Assert.Equal(++last[delivery.Id.Partition], delivery.Id.Offset);
            if (seen.Count % 5_000 == 0)
                await stage.Network.CutAsync();
        }
        Assert.Equal(25_000, seen.Count);
    }

    [Fact]
    public async Task It_ends_when_retention_drops_what_was_still_to_come()
    {
        await using var host = await Embedded.StartAsync(Calm);
        await using var producer = await host.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        const int Count = 30_000;
        for (var i = 0; i < Count; i++)
            await producer.Writer.WriteAsync($"{i}", Cancelled);
        await producer.FlushAsync(Cancelled);
        var seen = 0;
        await foreach (var delivery in host.Client.Replay<string>("t", StartPosition.Earliest).ReadAllAsync(Cancelled))
        {
            if (seen++ == 0)
                await host.Client.Topics.UpdateAsync("t", new() { Retention = RetentionPolicy.None }, Cancelled);
        }
        Assert.InRange(seen, 1, Count - 1);
    }

    [Fact]
    public async Task What_waits_for_its_time_is_left_out_and_the_replay_ends_without_it()
    {
        await using var host = await Embedded.StartAsync(Calm);
        await using var producer = await host.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await producer.ScheduleAsync("first", TimeSpan.FromHours(1), Cancelled);
        await producer.SendAsync("now", Cancelled);
        await producer.ScheduleAsync("last", TimeSpan.FromHours(1), Cancelled);
        Assert.Equal(["now"], (await ReadAsync(host.Client.Replay<string>("t", StartPosition.Earliest))).Select(static d => d.Value));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    [InlineData(1e9)]
    public void A_speed_out_of_its_range_is_refused(double factor) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ReplaySpeed.Times(factor));

    /// <summary>Tests that move the clock by minutes do not mean to end connections.</summary>
    private static CometServerOptions Calm => new() { HeartbeatInterval = TimeSpan.FromHours(1) };

    private static Task<CometClient> ConnectAsync(CometBroker broker, TimeProvider time) =>
        CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport, TimeProvider = time }, Cancelled);

    private static async Task<List<Delivery<string>>> ReadAsync(Replay<string> replay)
    {
        var read = new List<Delivery<string>>();
        await foreach (var delivery in replay.ReadAllAsync(Cancelled))
            read.Add(delivery);
        return read;
    }

    private static async Task<List<string>> SendAsync(CometClient client, int count)
    {
        await using var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        var sent = new List<string>();
        for (var i = 0; i < count; i++)
        {
            sent.Add($"{i}");
            await producer.SendAsync(sent[^1], Cancelled);
        }
        return sent;
    }
}
