using Comet.Wire;

namespace Comet.Server.Tests.Sessions;

public sealed class ReaderTests : BrokerTest
{
    [Theory]
    [InlineData((int)StartPositionKind.Earliest, 0, 0)]
    [InlineData((int)StartPositionKind.Latest, 0, 30)]
    [InlineData((int)StartPositionKind.Offset, 13, 13)]
    [InlineData((int)StartPositionKind.Offset, 999, 30)]
    [InlineData((int)StartPositionKind.Offset, -1, 0)]
    public async Task A_reader_begins_where_it_is_told(int kind, long value, long expected)
    {
        await using var client = await ConnectAsync();
        var producer = await FillAsync(client);
        var reader = await ReadAsync(client, (StartPositionKind)kind, value);
        Assert.Equal(expected, reader.NextOffset);
        await client.PublishAsync(producer, 30, 1);
        Assert.Equal(
            Enumerable.Range((int)expected, 31 - (int)expected).Select(o => ((long)o, 1)),
            await client.ReceiveAsync(reader.ConsumerId, 31 - (int)expected));
    }

    [Fact]
    public async Task A_reader_begins_with_the_first_batch_of_a_time_or_later()
    {
        await using var client = await ConnectAsync();
        var times = new List<long>();
        var producer = await client.CreateProducerAsync("t");
        for (var i = 0; i < 3; i++)
        {
            times.Add(UnixMicroseconds.Now(Time));
            await client.PublishAsync(producer, i * 10, 10);
            Time.Advance(TimeSpan.FromMilliseconds(10));
        }
        Assert.Equal(10, (await ReadAsync(client, StartPositionKind.Time, times[1])).NextOffset);
        Assert.Equal(20, (await ReadAsync(client, StartPositionKind.Time, times[1] + 1, "r2")).NextOffset);
        Assert.Equal(30, (await ReadAsync(client, StartPositionKind.Time, times[2] + 1, "r3")).NextOffset);
    }

    [Fact]
    public async Task A_reader_acks_nothing_and_leaves_nothing()
    {
        await using var client = await ConnectAsync();
        await FillAsync(client);
        var reader = await ReadAsync(client, StartPositionKind.Earliest, 0);
        await client.ReceiveAsync(reader.ConsumerId, 30);
        Assert.Equal(ErrorCode.ConsumerNotFound, await client.AskRefusedAsync(new AckFrame(reader.ConsumerId, true, [0, 5])));
        Assert.Equal(ErrorCode.ConsumerNotFound, await client.AskRefusedAsync(new NackFrame(reader.ConsumerId, 0, null, [0, 5])));
        Assert.Empty((await DescribeAsync(client)).Subscriptions);
        await client.AskAsync(new CloseConsumerFrame(reader.ConsumerId));
        var again = await ReadAsync(client, StartPositionKind.Earliest, 0);
        Assert.Equal(30, (await client.ReceiveAsync(again.ConsumerId, 30)).Count);
    }

    [Fact]
    public async Task Readers_of_one_name_do_not_share()
    {
        await using var client = await ConnectAsync();
        await using var other = await ConnectAsync();
        await FillAsync(client);
        var first = await ReadAsync(client, StartPositionKind.Earliest, 0);
        var second = await ReadAsync(other, StartPositionKind.Earliest, 0);
        Assert.Equal(30, (await client.ReceiveAsync(first.ConsumerId, 30)).Count);
        Assert.Equal(30, (await other.ReceiveAsync(second.ConsumerId, 30)).Count);
    }

    private static async Task<long> FillAsync(RawClient client)
    {
        var producer = await client.CreateProducerAsync("t");
        for (var i = 0; i < 3; i++)
            await client.PublishAsync(producer, i * 10, 10);
        return producer;
    }

    private static async Task<SubscribedFrame> ReadAsync(RawClient client, StartPositionKind kind, long value, string name = "r")
    {
        var reader = await client.SubscribeAsync(Subscribe("t", "r", SubscriptionType.Exclusive, name, kind, value, isDurable: false));
        await client.SendAsync(new PermitsFrame(reader.ConsumerId, kind == StartPositionKind.Time ? 0 : 1000, 1 << 20));
        return reader;
    }

    private static async Task<TopicDescription> DescribeAsync(RawClient client) =>
        (await client.AskAsync(new DescribeTopicFrame("t"))).Read<TopicInfoFrame>().Topic;
}
