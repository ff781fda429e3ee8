namespace Comet.Client.Tests.Consuming;

public class DeadLetterTests
{
    private const string Topic = "orders";
    private const string Subscription = "billing";
    private static readonly string s_deadLetters = DeadLetterAdministration.DefaultTopic(Topic, Subscription);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_given_back_too_often_goes_to_the_dead_letter_topic_and_says_where_it_comes_from_and_why()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await SubscribeAsync(comet, new() { MaxDeliveries = 2 });
        var id = await SendAsync(comet, "poison");
        for (var i = 1; i <= 2; i++)
        {
            var delivery = await consumer.ReceiveAsync(Cancelled);
            Assert.Equal(i, delivery.DeliveryCount);
            await delivery.NackAsync(reason: $"attempt {i}");
        }
        await Eventually.TopicAsync(comet.Client, Topic, static t => t.Backlog() == 0);

        var letter = Assert.Single(await ListAsync(comet));
        Assert.Equal((id, Subscription, DeadLetterHeaders.MaxDeliveries, "attempt 2", 2),
            (letter.Origin!.Value, letter.Subscription, letter.Reason, letter.Exception, letter.Deliveries));
        Assert.Equal(("k", "v"), (letter.Key, letter.Headers["h"]));
        Assert.Equal("poison"u8.ToArray(), letter.Payload.ToArray());
        Assert.False(consumer.TryReceive(out _));
    }

    [Fact]
    public async Task A_consumer_can_give_a_message_up_at_once()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await SubscribeAsync(comet, new() { DeadLetterTopic = "graveyard" });
        await SendAsync(comet, "no such customer");
        await (await consumer.ReceiveAsync(Cancelled)).DeadLetterAsync("404");
        await Eventually.TopicAsync(comet.Client, Topic, static t => t.Backlog() == 0);
        var letters = new List<DeadLetter>();
        await foreach (var letter in comet.Client.DeadLetters.ListAsync("graveyard", Cancelled))
            letters.Add(letter);
        Assert.Equal((DeadLetterHeaders.GivenUp, "404", 1), (letters[0].Reason, letters[0].Exception, letters[0].Deliveries));
        Assert.Single(letters);
    }

    [Fact]
    public async Task A_redrive_moves_them_back_in_portions_with_what_they_had_and_a_count()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await SubscribeAsync(comet, new() { MaxDeliveries = 1 });
        for (var i = 0; i < 10; i++)
            await SendAsync(comet, $"{i}");
        for (var i = 0; i < 10; i++)
            await (await consumer.ReceiveAsync(Cancelled)).NackAsync();
        await Eventually.TopicAsync(comet.Client, Topic, static t => t.Backlog() == 0);
        Assert.Equal(10, (await ListAsync(comet)).Count);

        var reported = new List<RedriveProgress>();
        var first = await comet.Client.DeadLetters.RedriveAsync(
            Topic, Subscription, new() { MaxMessages = 4 }, new Collector(reported), Cancelled);

        Assert.Equal(new RedriveProgress(4, 0, 4), first);
        Assert.Equal(first, reported[^1]);
        Assert.Equal(6, (await ListAsync(comet)).Count);
        for (var i = 0; i < 4; i++)
        {
            var delivery = await consumer.ReceiveAsync(Cancelled);
            Assert.Equal(($"{i}", "k", "v", "1"),
                (delivery.Value, delivery.Key, delivery.Headers["h"], delivery.Headers[DeadLetterHeaders.RedriveCount]));
            Assert.Null(delivery.Headers[DeadLetterHeaders.Reason]);
            await delivery.AckAsync(Cancelled);
        }

        Assert.Equal(new RedriveProgress(6, 0, 6), await comet.Client.DeadLetters.RedriveAsync(Topic, Subscription, null, null, Cancelled));
        Assert.Empty(await ListAsync(comet));
        Assert.Equal(new RedriveProgress(0, 0, 0), await comet.Client.DeadLetters.RedriveAsync(Topic, Subscription, null, null, Cancelled));
    }

    [Fact]
    public async Task What_was_moved_back_and_is_dead_again_counts_on()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await SubscribeAsync(comet, new() { MaxDeliveries = 1 });
        await SendAsync(comet, "poison");
        for (var redrives = 0; redrives < 3; redrives++)
        {
            await (await consumer.ReceiveAsync(Cancelled)).NackAsync();
            await Eventually.TopicAsync(comet.Client, Topic, static t => t.Backlog() == 0);
            var letter = Assert.Single(await ListAsync(comet));
            Assert.Equal(redrives == 0 ? null : $"{redrives}", letter.Headers[DeadLetterHeaders.RedriveCount]);
            Assert.Equal(redrives, letter.Origin!.Value.Offset);
            await comet.Client.DeadLetters.RedriveAsync(Topic, Subscription, null, null, Cancelled);
        }
    }

    [Fact]
    public async Task Where_there_is_no_dead_letter_topic_nothing_is_listed_and_nothing_moved()
    {
        await using var comet = await Embedded.StartAsync();
        Assert.Empty(await ListAsync(comet));
        Assert.Equal(new RedriveProgress(0, 0, 0), await comet.Client.DeadLetters.RedriveAsync(Topic, Subscription, null, null, Cancelled));
    }

    [Fact]
    public async Task While_the_dead_letter_topic_refuses_the_message_stays_and_the_reason_is_shown()
    {
        await using var comet = await Embedded.StartAsync(new() { MaxTopics = 2 });
        await using var consumer = await SubscribeAsync(comet, new() { MaxDeliveries = 1 });
        await comet.Client.Topics.CreateAsync("in-the-way", cancellationToken: Cancelled);
        await SendAsync(comet, "poison");
        await (await consumer.ReceiveAsync(Cancelled)).NackAsync();
        var refused = await Eventually.TopicAsync(comet.Client, Topic, static t => t.Subscriptions[0].DeadLetterError is not null);
        Assert.Equal((1, 1), (refused.Subscriptions[0].DeadLettering, refused.Subscriptions[0].Backlog));
        Assert.Contains(nameof(ErrorCode.LimitExceeded), refused.Subscriptions[0].DeadLetterError, StringComparison.Ordinal);

        await comet.Client.Topics.DeleteAsync("in-the-way", Cancelled);

        var taken = await Eventually.TopicAsync(comet.Client, Topic, static t => t.Backlog() == 0);
        Assert.Null(taken.Subscriptions[0].DeadLetterError);
        Assert.Single(await ListAsync(comet));
    }

    private static Task<Consumer<string>> SubscribeAsync(Embedded comet, ConsumerOptions<string> options) =>
        comet.Client.SubscribeAsync(Topic, Subscription, options with { ReceiveWindowMessages = 100 }, Cancelled);

    private static async Task<MessageId> SendAsync(Embedded comet, string value)
    {
        await using var producer = await comet.Client.CreateProducerAsync<string>(Topic, null, Cancelled);
        return await producer.SendAsync(new OutgoingMessage<string>(value) { Key = "k", Headers = new() { { "h", "v" } } }, Cancelled);
    }

    private static async Task<List<DeadLetter>> ListAsync(Embedded comet)
    {
        var letters = new List<DeadLetter>();
        await foreach (var letter in comet.Client.DeadLetters.ListAsync(s_deadLetters, Cancelled))
            letters.Add(letter);
        return letters;
    }

    private sealed class Collector(List<RedriveProgress> target) : IProgress<RedriveProgress>
    {
        public void Report(RedriveProgress value) => target.Add(value);
    }
}
