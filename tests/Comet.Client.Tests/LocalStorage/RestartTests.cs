using Microsoft.Data.Sqlite;

namespace Comet.Client.Tests.LocalStorage;

/// <summary>What a broker on local storage still knows when it was stopped, and when it was killed.</summary>
public sealed class RestartTests
{
    private static readonly ConsumerOptions<string> s_fromStart = new() { StartPosition = StartPosition.Earliest, ConfirmAcks = true };

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Topics_policies_and_subscriptions_are_there_again(bool isKilled)
    {
        await using var comet = await DurableBroker.StartAsync();
        var policy = new TopicPolicy { Retention = RetentionPolicy.Forever, DefaultDurability = Durability.Os };
        await comet.Client.Topics.CreateAsync("a/b", 3, policy: policy, cancellationToken: Cancelled);
        await comet.Client.Topics.CreateAsync("deleted", cancellationToken: Cancelled);
        await comet.Client.Topics.CreateAsync("grown", cancellationToken: Cancelled);
        await comet.Client.Subscriptions.CreateAsync("a/b", "s", SubscriptionType.Shared, cancellationToken: Cancelled);
        await comet.Client.Subscriptions.CreateAsync("grown", "gone", cancellationToken: Cancelled);
        await comet.Client.Subscriptions.CreateAsync("grown", "kept", cancellationToken: Cancelled);
        await comet.Client.Topics.DeleteAsync("deleted", Cancelled);
        await comet.Client.Topics.UpdateAsync("grown", new() { Partitions = 2 }, Cancelled);
        await comet.Client.Subscriptions.DeleteAsync("grown", "gone", Cancelled);

        await ComeBackAsync(comet, isKilled);

        var topics = await comet.Client.Topics.ListAsync(cancellationToken: Cancelled);
        Assert.Equal(["a/b 3", "grown 2"], topics.Select(static t => $"{t.Name} {t.PartitionCount}"));
        var topic = await comet.Client.Topics.DescribeAsync("a/b", Cancelled);
        Assert.Equal(policy, topic.Policy);
        Assert.Equal(3, topic.Subscriptions.Count(static s => s is { Name: "s", Type: SubscriptionType.Shared }));
        var grown = await comet.Client.Topics.DescribeAsync("grown", Cancelled);
        Assert.Equal(["kept", "kept"], grown.Subscriptions.Select(static s => s.Name));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_confirmed_comes_and_what_is_acked_does_not_come_again(bool isKilled)
    {
        await using var comet = await DurableBroker.StartAsync();
        var consumer = await comet.Client.SubscribeAsync("t", "s", s_fromStart with { Type = SubscriptionType.Shared }, Cancelled);
        await SendAsync(comet, 0, 10);
        var deliveries = await TakeAsync(consumer, 8);
        foreach (var delivery in deliveries.Where(static d => d.Id.Offset is 0 or 1 or 3 or 6))
            await delivery.AckAsync(Cancelled);

        await ComeBackAsync(comet, isKilled);

        await SendAsync(comet, 10, 12);
        await using var again = await comet.Client.SubscribeAsync("t", "s", s_fromStart with { Type = SubscriptionType.Shared }, Cancelled);
        var came = await TakeAsync(again, 8);
        Assert.Equal(["2", "4", "5", "7", "8", "9", "10", "11"], came.Select(static d => d.Value).Order(Numbers));
        Assert.All(came, static d => Assert.Equal(d.Id.Offset.ToString(System.Globalization.CultureInfo.InvariantCulture), d.Value));
        Assert.All(came.Where(static d => d.Id.Offset < 8), static d => Assert.Equal(2, d.DeliveryCount));
        Assert.All(came.Where(static d => d.Id.Offset >= 10), static d => Assert.Equal(1, d.DeliveryCount));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_ordered_subscription_goes_on_in_order(bool isKilled)
    {
        await using var comet = await DurableBroker.StartAsync();
        var consumer = await comet.Client.SubscribeAsync("t", "s", s_fromStart, Cancelled);
        await SendAsync(comet, 0, 20);
        var deliveries = await TakeAsync(consumer, 10);
        await deliveries[3].AckAsync(Cancelled);
        await deliveries[0].AckAsync(Cancelled);

        await ComeBackAsync(comet, isKilled);

        await using var again = await comet.Client.SubscribeAsync("t", "s", s_fromStart, Cancelled);
        var came = await TakeAsync(again, 18);
        var expected = Enumerable.Range(0, 20).Where(static n => n is not (0 or 3)).Select(static n => $"{n}");
        Assert.Equal(expected, came.Select(static d => d.Value));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_message_that_is_sent_again_after_the_restart_is_stored_once(bool isKilled)
    {
        await using var comet = await DurableBroker.StartAsync();
        await using (var producer = await comet.Client.CreateProducerAsync<string>("t", new() { ProducerName = "p" }, Cancelled))
        {
            await producer.SendAsync(new OutgoingMessage<string>("a") { SequenceId = 5 }, Cancelled);
            await producer.SendAsync(new OutgoingMessage<string>("b") { SequenceId = 7 }, Cancelled);
        }

        await ComeBackAsync(comet, isKilled);

        await using var later = await comet.Client.CreateProducerAsync<string>("t", new() { ProducerName = "p" }, Cancelled);
        Assert.Equal(7, later.LastSequenceId);
        Assert.Equal(1, (await later.SendAsync(new OutgoingMessage<string>("b") { SequenceId = 7 }, Cancelled)).Offset);
        Assert.Equal(2, (await later.SendAsync(new OutgoingMessage<string>("c") { SequenceId = 8 }, Cancelled)).Offset);
    }

    /// <summary>The log tells it as well.</summary>
    [Theory]
    [InlineData("UPDATE points SET point = x'00'")]
    [InlineData("DELETE FROM points")]
    public async Task Without_a_saved_point_the_log_is_read(string sql)
    {
        await using var comet = await DurableBroker.StartAsync();
        await using (var producer = await comet.Client.CreateProducerAsync<string>("t", new() { ProducerName = "p" }, Cancelled))
        {
            await producer.SendAsync(new OutgoingMessage<string>("a") { SequenceId = 5 }, Cancelled);
            await producer.ScheduleAsync("later", TimeSpan.FromHours(2), Cancelled);
        }
        await comet.RestartAsync(() =>
        {
            using var connection = new SqliteConnection($"Data Source={Path.Combine(comet.Data, "metadata.db")};Pooling=False");
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            Assert.Equal(1, command.ExecuteNonQuery());
        });
        await using var later = await comet.Client.CreateProducerAsync<string>("t", new() { ProducerName = "p" }, Cancelled);
        Assert.Equal(6, later.LastSequenceId);
        Assert.Equal(1, await comet.Client.Schedules.CountAsync("t", cancellationToken: Cancelled));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Scheduled_messages_come_at_their_time_as_it_was_changed(bool isKilled)
    {
        await using var comet = await DurableBroker.StartAsync();
        await comet.Client.Topics.CreateAsync("t", cancellationToken: Cancelled);
        await comet.Client.Subscriptions.CreateAsync("t", "s", start: StartPosition.Earliest, cancellationToken: Cancelled);
        await using (var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled))
        {
            await producer.ScheduleAsync("soon", TimeSpan.FromMilliseconds(300), Cancelled);
            var moved = await producer.ScheduleAsync("moved", TimeSpan.FromHours(1), Cancelled);
            var cancelled = await producer.ScheduleAsync("cancelled", TimeSpan.FromMilliseconds(300), Cancelled);
            await producer.ScheduleAsync("late", TimeSpan.FromHours(2), Cancelled);
            await moved.RescheduleAsync(TimeSpan.FromMilliseconds(600), Cancelled);
            Assert.Equal(CancelResult.Cancelled, await cancelled.CancelAsync(Cancelled));
        }

        await ComeBackAsync(comet, isKilled);

        await using var consumer = await comet.Client.SubscribeAsync("t", "s", s_fromStart, Cancelled);
        var came = await TakeAsync(consumer, 2);
        Assert.Equal(["soon", "moved"], came.Select(static d => d.Value));
        Assert.Equal(1, await comet.Client.Schedules.CountAsync("t", cancellationToken: Cancelled));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_message_is_a_dead_letter_after_as_many_deliveries_as_without_the_restart(bool isKilled)
    {
        await using var comet = await DurableBroker.StartAsync();
        var options = s_fromStart with { Type = SubscriptionType.Shared, MaxDeliveries = 3 };
        var consumer = await comet.Client.SubscribeAsync("t", "s", options, Cancelled);
        await SendAsync(comet, 0, 1);
        await (await consumer.ReceiveAsync(Cancelled)).NackAsync();
        Assert.Equal(2, (await consumer.ReceiveAsync(Cancelled)).DeliveryCount);
        // The count is saved with the cursor, which an ack moves.
        await SendAsync(comet, 1, 2);
        await (await consumer.ReceiveAsync(Cancelled)).AckAsync(Cancelled);

        await ComeBackAsync(comet, isKilled);

        await using var again = await comet.Client.SubscribeAsync("t", "s", options, Cancelled);
        var last = await again.ReceiveAsync(Cancelled);
        Assert.Equal(("0", 3), (last.Value, last.DeliveryCount));
        await last.NackAsync();
        await Eventually.TopicAsync(comet.Client, DeadLetterAdministration.DefaultTopic("t", "s"), static t => t.Stored() == 1);
    }

    [Fact]
    public async Task A_consumer_and_a_producer_go_on_over_a_restart()
    {
        await using var comet = await DurableBroker.StartAsync();
        await SendAsync(comet, 0, 3);
        await comet.RestartAsync();
        await SendAsync(comet, 3, 6);
        await comet.RestartAsync();
        await using var reader = await comet.Client.CreateReaderAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < 6; i++)
            Assert.Equal($"{i}", (await reader.ReceiveAsync(Cancelled)).Value);
    }

    [Fact]
    public async Task A_topic_that_is_made_anew_under_a_name_has_nothing_of_the_old_one()
    {
        await using var comet = await DurableBroker.StartAsync();
        await SendAsync(comet, 0, 3);
        await comet.Client.Topics.DeleteAsync("t", Cancelled);
        await SendAsync(comet, 3, 4);
        await comet.RestartAsync();
        Assert.Equal(1, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Stored());
        Assert.Equal(["t~2"], Directory.EnumerateDirectories(Path.Combine(comet.Data, "topics")).Select(Path.GetFileName));
    }

    private static IComparer<string> Numbers { get; } = Comparer<string>.Create(
        static (a, b) => int.Parse(a, System.Globalization.CultureInfo.InvariantCulture).CompareTo(
            int.Parse(b, System.Globalization.CultureInfo.InvariantCulture)));

    private static Task ComeBackAsync(DurableBroker comet, bool isKilled) => isKilled ? comet.KillAsync() : comet.RestartAsync();

    private static async Task SendAsync(DurableBroker comet, int first, int end)
    {
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = first; i < end; i++)
            await producer.SendAsync($"{i}", Cancelled);
    }

    private static async Task<List<Delivery<string>>> TakeAsync(Consumer<string> consumer, int count)
    {
        var taken = new List<Delivery<string>>();
        while (taken.Count < count)
            taken.Add(await consumer.ReceiveAsync(Cancelled));
        return taken;
    }
}
