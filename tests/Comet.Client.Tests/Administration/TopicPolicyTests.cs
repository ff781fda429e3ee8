namespace Comet.Client.Tests.Administration;

public class TopicPolicyTests
{
    private static readonly TopicPolicy s_policy = new()
    {
        Retention = new() { MaxMessages = 100, MaxAge = TimeSpan.FromDays(7), MaxBytes = 1 << 20 },
        MessageTtl = TimeSpan.FromHours(1),
        BacklogQuota = new(1 << 20, BacklogAction.DropOldest),
        DefaultDurability = Durability.Memory,
    };

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>docs/retention.md: the client does not ask again for each message.</summary>
    [Fact]
    public async Task What_expires_in_a_consumers_window_is_still_handed_out_and_its_ack_means_nothing()
    {
        await using var host = await Embedded.StartAsync();
        await host.Client.Topics.CreateAsync("t", cancellationToken: Cancelled);
        await using var consumer = await host.Client.SubscribeAsync<string>("t", "s", new() { ConfirmAcks = true }, Cancelled);
        await using var producer = await host.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await producer.SendAsync("stale", Cancelled);
        await Eventually.TopicAsync(host.Client, "t", static topic => topic.Unacked() == 1);
        await host.Client.Topics.UpdateAsync("t", new() { MessageTtl = TimeSpan.FromMilliseconds(1) }, Cancelled);
        await Eventually.TopicAsync(host.Client, "t", static topic => topic.Subscriptions.Sum(static s => s.Expired) == 1);

        var delivery = await consumer.ReceiveAsync(Cancelled);
        Assert.Equal("stale", delivery.Value);
        await delivery.AckAsync(Cancelled);
        Assert.Equal(0, (await host.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task A_policy_is_set_at_creation_described_and_changed_part_by_part()
    {
        await using var host = await Embedded.StartAsync();
        await host.Client.Topics.CreateAsync("t", policy: s_policy, partitions: 2, cancellationToken: Cancelled);
        Assert.Equal(s_policy, await PolicyAsync(host.Client));
        await host.Client.Topics.UpdateAsync("t", new() { MessageTtl = Timeout.InfiniteTimeSpan }, Cancelled);
        Assert.Equal(s_policy with { MessageTtl = Timeout.InfiniteTimeSpan }, await PolicyAsync(host.Client));
        await host.Client.Topics.UpdateAsync(
            "t",
            new()
            {
                Retention = RetentionPolicy.UntilRoomIsWanted, BacklogQuota = BacklogQuota.Unlimited, DefaultDurability = Durability.None,
            },
            Cancelled);
        Assert.Equal(TopicPolicy.Default, await PolicyAsync(host.Client));
        await host.Client.Topics.CreateAsync("t", policy: s_policy, ifNotExists: true, cancellationToken: Cancelled);
        Assert.Equal(TopicPolicy.Default, await PolicyAsync(host.Client));
    }

    [Fact]
    public async Task A_changed_policy_holds_in_every_partition_at_once_and_in_new_ones()
    {
        await using var host = await Embedded.StartAsync(new() { DefaultPartitionCount = 2 });
        await using var producer = await host.Client.CreateProducerAsync<string>(
            "t", new() { Router = static (message, count) => int.Parse(message.Value, null) % count }, Cancelled);
        for (var i = 0; i < 40; i++)
            await producer.SendAsync($"{i}", Cancelled);
        await host.Client.Topics.UpdateAsync("t", new() { Retention = RetentionPolicy.None, Partitions = 4 }, Cancelled);
        var before = await host.Client.Topics.DescribeAsync("t", Cancelled);
        Assert.All(before.Partitions, static p => Assert.Equal(p.EndOffset, p.StartOffset));
        while (producer.PartitionCount < 4)
            await host.Client.PingAsync(Cancelled);
        for (var i = 0; i < 40; i++)
            await producer.SendAsync($"{i}", Cancelled);
        var topic = await host.Client.Topics.DescribeAsync("t", Cancelled);
        Assert.Equal([30, 30, 10, 10], topic.Partitions.Select(static p => p.EndOffset));
        Assert.All(topic.Partitions, static p => Assert.Equal(p.EndOffset, p.StartOffset));
    }

    [Fact]
    public async Task A_policy_that_cannot_be_is_refused_with_a_sentence_by_client_and_broker()
    {
        await using var host = await Embedded.StartAsync();
        var invalid = await Assert.ThrowsAsync<CometException>(() => host.Client.Topics.CreateAsync(
            "t", policy: new() { MessageTtl = TimeSpan.Zero }, cancellationToken: Cancelled));
        Assert.Equal(ErrorCode.InvalidArgument, invalid.Code);
        await host.Client.Topics.CreateAsync("t", cancellationToken: Cancelled);
        var unsupported = await Assert.ThrowsAsync<CometException>(
            () => host.Client.Topics.UpdateAsync("t", new() { DefaultDurability = Durability.Disk }, Cancelled));
        Assert.Equal(ErrorCode.Unsupported, unsupported.Code);
        Assert.Equal(TopicPolicy.Default, await PolicyAsync(host.Client));
        Assert.Equal(ErrorCode.TopicNotFound, (await Assert.ThrowsAsync<CometException>(
            () => host.Client.Topics.UpdateAsync("none", new() { Partitions = 2 }, Cancelled))).Code);
    }

    [Fact]
    public async Task At_the_backlog_quota_sends_wait_for_a_consumer_and_then_go_on()
    {
        await using var host = await Embedded.StartAsync();
        await host.Client.Topics.CreateAsync("t", policy: new() { BacklogQuota = new(20_000) }, cancellationToken: Cancelled);
        await host.Client.Subscriptions.CreateAsync("t", "s", cancellationToken: Cancelled);
        await using var producer = await host.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        var sending = Task.Run(
            async () =>
            {
                for (var i = 0; i < 100; i++)
                    await producer.SendAsync($"{i}".PadRight(1_000, '.'), Cancelled);
            },
            Cancelled);
        // Refused for the backlog, and attaching again and again.
        await producer.State.WaitForAsync(ProducerState.Reattaching, Cancelled);
        Assert.InRange((await host.Client.Topics.DescribeAsync("t", Cancelled)).Stored(), 15, 25);
        await using var consumer = await host.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        for (var i = 0; i < 100; i++)
        {
            var delivery = await consumer.ReceiveAsync(Cancelled);
            Assert.StartsWith($"{i}.", delivery.Value, StringComparison.Ordinal);
            await delivery.AckAsync(Cancelled);
        }
        await sending;
    }

    private static async Task<TopicPolicy> PolicyAsync(CometClient client) => (await client.Topics.DescribeAsync("t", Cancelled)).Policy;
}
