using Comet.Client.Tests.Scripted;

namespace Comet.Client.Tests.Administration;

public class PartitionGrowthTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Running_producers_and_consumers_use_new_partitions_and_nothing_is_lost()
    {
        await using var host = await Embedded.StartAsync();
        await using var consumer = await host.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await using var reader = await host.Client.CreateReaderAsync<string>("t", cancellationToken: Cancelled);
        await using var producer = await host.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        var sent = new List<string>();
        for (var i = 0; i < 3_000; i++)
        {
            if (i is 1_000 or 2_000)
                await host.Client.Topics.UpdateAsync("t", new() { Partitions = i / 250 }, Cancelled);
            sent.Add($"{i}");
            await producer.SendAsync(sent[^1], Cancelled);
        }
        await WaitForAsync(() => producer.PartitionCount == 8 && consumer.PartitionCount == 8 && reader.PartitionCount == 8, host.Client);
        for (var i = 0; i < 100; i++)
        {
            sent.Add($"last {i}");
            await producer.SendAsync(sent[^1], Cancelled);
        }
        var topic = await host.Client.Topics.DescribeAsync("t", Cancelled);
        Assert.All(topic.Partitions, static p => Assert.True(p.EndOffset > 0));
        Assert.Equal(sent.Order(), (await TakeAsync(consumer.ReceiveAsync, sent.Count, ack: true)).Order());
        Assert.Equal(sent.Order(), (await TakeAsync(reader.ReceiveAsync, sent.Count, ack: false)).Order());
        await consumer.FlushAcksAsync(Cancelled);
        Assert.Equal(0, (await host.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task A_subscription_whose_consumers_are_away_misses_nothing_of_a_new_partition()
    {
        await using var host = await Embedded.StartAsync();
        await using (await host.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled))
            await host.Client.Topics.DescribeAsync("t", Cancelled);
        await host.Client.Topics.UpdateAsync("t", new() { Partitions = 4 }, Cancelled);
        await using var producer = await host.Client.CreateProducerAsync<string>(
            "t", new() { Router = static (message, _) => message.Value[0] - '0' }, Cancelled);
        for (var i = 0; i < 4; i++)
            await producer.SendAsync($"{i}", Cancelled);
        await using var consumer = await host.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        Assert.Equal(["0", "1", "2", "3"], (await TakeAsync(consumer.ReceiveAsync, 4, ack: true)).Order());
    }

    [Fact]
    public async Task Growth_that_a_lost_connection_has_missed_is_noticed_over_the_next_one()
    {
        await using var stage = await Stage.StartAsync();
        await using var producer = await stage.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await using var consumer = await stage.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        stage.Network.Refuse();
        await stage.Network.CutAsync();
        await stage.Observer.Topics.UpdateAsync("t", new() { Partitions = 3 }, Cancelled);
        stage.Network.Admit();
        await WaitForAsync(() => producer.PartitionCount == 3 && consumer.PartitionCount == 3, stage.Observer);
    }

    [Fact]
    public async Task Messages_of_a_key_keep_their_order_between_growths_and_go_to_one_partition()
    {
        await using var host = await Embedded.StartAsync(new() { DefaultPartitionCount = 2 });
        await using var producer = await host.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        var ids = new List<(string Key, MessageId Id)>();
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 200; i++)
            {
                var message = new OutgoingMessage<string>($"{i}") { Key = $"k{i % 20}" };
                ids.Add(($"{round} {message.Key}", await producer.SendAsync(message, Cancelled)));
            }
            await host.Client.Topics.UpdateAsync("t", new() { Partitions = 5 }, Cancelled);
            await WaitForAsync(() => producer.PartitionCount == 5, host.Client);
        }
        foreach (var key in ids.GroupBy(static x => x.Key))
        {
            Assert.Single(key.Select(static x => x.Id.Partition).Distinct());
            Assert.Equal(key.Select(static x => x.Id.Offset).Order(), key.Select(static x => x.Id.Offset));
        }
        // Keys move: with five partitions some are elsewhere than with two.
        Assert.Contains(Enumerable.Range(0, 20), k => PartitionOf($"0 k{k}") != PartitionOf($"1 k{k}"));

        int PartitionOf(string key) => ids.First(x => x.Key == key).Id.Partition;
    }

    [Fact]
    public async Task Partitions_never_become_fewer()
    {
        await using var host = await Embedded.StartAsync(new() { DefaultPartitionCount = 4, MaxPartitions = 8 });
        await host.Client.Topics.CreateAsync("t", cancellationToken: Cancelled);
        var fewer = await Assert.ThrowsAsync<CometException>(
            () => host.Client.Topics.UpdateAsync("t", new() { Partitions = 3 }, Cancelled));
        Assert.Equal(ErrorCode.InvalidArgument, fewer.Code);
        Assert.Contains("their number only grows", fewer.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<CometException>(() => host.Client.Topics.UpdateAsync("t", new() { Partitions = 9 }, Cancelled));
        await host.Client.Topics.UpdateAsync("t", new() { Partitions = 4 }, Cancelled);
        Assert.Equal(4, (await host.Client.Topics.DescribeAsync("t", Cancelled)).Partitions.Count);
    }

    private static async Task WaitForAsync(Func<bool> condition, CometClient client)
    {
        while (!condition())
            await client.PingAsync(Cancelled);
    }

    private static async Task<List<string>> TakeAsync(
        Func<CancellationToken, ValueTask<Delivery<string>>> receive, int count, bool ack)
    {
        var values = new List<string>();
        while (values.Count < count)
        {
            var delivery = await receive(Cancelled);
            values.Add(delivery.Value);
            if (ack)
                await delivery.AckAsync(Cancelled);
        }
        return values;
    }
}
