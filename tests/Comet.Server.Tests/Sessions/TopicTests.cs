using Comet.Server.Tests.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Sessions;

public sealed class TopicTests() : BrokerTest(new CometServerOptions { MaxTopics = 4, MaxPartitions = 8, DefaultPartitionCount = 2 })
{
    [Fact]
    public async Task A_topic_is_created_listed_found_and_deleted()
    {
        await using var client = await ConnectAsync();
        Assert.Equal(FrameType.Ok, (await client.AskAsync(new CreateTopicFrame("orders/eu", 3, false))).Type);
        Assert.Equal(FrameType.Ok, (await client.AskAsync(new CreateTopicFrame("orders/us", 0, false))).Type);
        Assert.Equal([Empty("orders/eu", 3), Empty("orders/us", 2)], await ListAsync(client, "orders/"));
        Assert.Equal(3, (await ListAsync(client, "")).Count);
        var location = (await client.AskAsync(new LookupTopicFrame("orders/eu", false))).Read<TopicLocationFrame>();
        Assert.Equal(("orders/eu", 3), (location.Topic, location.PartitionCount));
        Assert.Equal(FrameType.Ok, (await client.AskAsync(new DeleteTopicFrame("orders/eu"))).Type);
        Assert.Equal([Empty("orders/us", 2)], await ListAsync(client, "orders/"));
    }

    [Fact]
    public async Task What_cannot_be_created_found_or_deleted_is_refused_each_with_its_reason()
    {
        await using var client = await ConnectAsync();
        await client.AskAsync(new CreateTopicFrame("t", 1, false));
        Assert.Equal(ErrorCode.TopicAlreadyExists, await client.AskRefusedAsync(new CreateTopicFrame("t", 1, false)));
        Assert.Equal(FrameType.Ok, (await client.AskAsync(new CreateTopicFrame("t", 5, true))).Type);
        Assert.Equal([Empty("t", 1)], await ListAsync(client, "t"));
        Assert.Equal(ErrorCode.InvalidName, await client.AskRefusedAsync(new CreateTopicFrame("/t", 1, false)));
        Assert.Equal(ErrorCode.InvalidArgument, await client.AskRefusedAsync(new CreateTopicFrame("u", 9, false)));
        Assert.Equal(ErrorCode.InvalidArgument, await client.AskRefusedAsync(new CreateTopicFrame("u", -1, false)));
        Assert.Equal(ErrorCode.TopicNotFound, await client.AskRefusedAsync(new DeleteTopicFrame("u")));
        Assert.Equal(ErrorCode.TopicNotFound, await client.AskRefusedAsync(new DescribeTopicFrame("u")));
        Assert.Equal(ErrorCode.TopicNotFound, await client.AskRefusedAsync(new LookupTopicFrame("u", false)));
        Assert.Equal(ErrorCode.TopicNotFound, await client.AskRefusedAsync(new UnsubscribeFrame("u", 0, "s")));
        Assert.Equal(ErrorCode.PartitionNotFound, await client.AskRefusedAsync(new UnsubscribeFrame("t", 1, "s")));
    }

    [Fact]
    public async Task Beyond_the_limit_no_topic_is_created_and_a_deleted_one_makes_room()
    {
        await using var client = await ConnectAsync();
        for (var i = 0; i < 3; i++)
            await client.AskAsync(new CreateTopicFrame($"t{i}", 1, false));
        Assert.Equal(ErrorCode.LimitExceeded, await client.AskRefusedAsync(new CreateTopicFrame("t3", 1, false)));
        Assert.Equal(ErrorCode.LimitExceeded, await client.AskRefusedAsync(Producer("t3")));
        await client.AskAsync(new DeleteTopicFrame("t0"));
        await client.CreateProducerAsync("t3");
    }

    [Fact]
    public async Task Many_requests_of_one_read_whose_answers_do_not_fit_are_all_answered_in_order()
    {
        // 3 KB each, so that the broker has to stop and go on many times.
        const int Requests = 5_000;
        const int MaxUnsent = 64 * 1024;
        await using var broker = new CometBroker(new CometServerOptions { MaxUnsentBytes = MaxUnsent, MaxMessageLength = 1000 });
        await using var client = await RawClient.ConnectAsync(broker);
        for (var i = 0; i < 20; i++)
            await client.AskAsync(new CreateTopicFrame($"{i}{new string('x', 150)}", 1, false));
        await client.SendAsync(client.EncodeDamaged(
            static encoder =>
            {
                for (var i = 1UL; i <= Requests; i++)
                    encoder.Add(new ListTopicsFrame(""), i);
            },
            -1, 0));
        for (var i = 1UL; i <= Requests; i++)
        {
            var answer = await client.NextAsync();
            Assert.Equal((FrameType.TopicList, i), (answer.Type, answer.CorrelationId));
        }
    }

    [Fact]
    public async Task A_description_tells_what_is_there()
    {
        await using var client = await ConnectAsync();
        await client.PublishAsync(await client.CreateProducerAsync("t"), 0, 10);
        var consumer = (await client.SubscribeAsync(Subscribe("t"))).ConsumerId;
        await client.SendAsync(new PermitsFrame(consumer, 6, 1 << 20));
        await client.ReceiveAsync(consumer, 6);
        await client.AskAsync(new AckFrame(consumer, false, [0, 1, 4, 4]));
        var topic = (await client.AskAsync(new DescribeTopicFrame("t"))).Read<TopicInfoFrame>().Topic;
        Assert.Equal("t", topic.Name);
        var bytes = Batches.Make("p", 0, 10).Length;
        var now = Time.GetUtcNow();
        Assert.Equal([new(0, 0, 10, bytes, 1) { FirstAppendTime = now, LastAppendTime = now }, new(1, 0, 0, 0, 0)], topic.Partitions);
        var subscription = new SubscriptionDescription("s", 0, SubscriptionType.Shared, 2, 7, 3, 1, 0)
        {
            OldestUnackedOffset = 2, OldestUnackedTime = now, BacklogBytes = bytes * 7 / 8,
        };
        Assert.Equal([subscription], topic.Subscriptions);
        Assert.Equal(TopicPolicy.Default, topic.Policy);
    }

    [Fact]
    public async Task Who_uses_a_topic_that_is_deleted_is_told()
    {
        await using var client = await ConnectAsync();
        var producer = await client.CreateProducerAsync("t");
        var consumer = (await client.SubscribeAsync(Subscribe("t"))).ConsumerId;
        await using var admin = await ConnectAsync();
        await admin.AskAsync(new DeleteTopicFrame("t"));
        var closedProducer = (await client.NextAsync()).Read<ProducerClosedFrame>();
        Assert.Equal((producer, ErrorCode.TopicDeleted), (closedProducer.ProducerId, closedProducer.Code));
        var closedConsumer = (await client.NextAsync()).Read<ConsumerClosedFrame>();
        Assert.Equal((consumer, ErrorCode.TopicDeleted), (closedConsumer.ConsumerId, closedConsumer.Code));
        Assert.Equal(ErrorCode.ProducerNotFound, await client.AskRefusedAsync(new PublishFrame(producer), Batches.Make("p", 0, 1)));
        // A topic of the same name is a new one.
        var again = await client.CreateProducerAsync("t");
        Assert.Equal(0, (await client.PublishAsync(again, 0, 1)).BaseOffset);
    }

    private static TopicSummary Empty(string name, int partitions) => new(name, partitions) { Messages = 0, Bytes = 0 };

    private static async Task<IReadOnlyList<TopicSummary>> ListAsync(RawClient client, string prefix) =>
        (await client.AskAsync(new ListTopicsFrame(prefix))).Read<TopicListFrame>().Topics;
}

public sealed class TopicsOnFirstUseTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Topics_are_created_on_first_use_only_when_the_broker_allows_it(bool allowed)
    {
        await using var broker = new CometBroker(new CometServerOptions { CreateTopicsOnFirstUse = allowed, DrainTimeout = TimeSpan.Zero });
        await using var client = await RawClient.ConnectAsync(broker);
        var answers = new[]
        {
            await client.AskAsync(BrokerTest.Producer("by-producer")), await client.AskAsync(BrokerTest.Subscribe("by-consumer")),
            await client.AskAsync(new LookupTopicFrame("by-lookup", true)),
        };
        var topics = (await client.AskAsync(new ListTopicsFrame(""))).Read<TopicListFrame>().Topics;
        Assert.Equal(allowed ? ["by-consumer", "by-lookup", "by-producer"] : [], topics.Select(t => t.Name));
        Assert.All(answers, a => Assert.Equal(allowed, a.Type != FrameType.Error));
        if (!allowed)
            Assert.All(answers, a => Assert.Equal(ErrorCode.TopicNotFound, a.Read<ErrorFrame>().Code));
    }
}
