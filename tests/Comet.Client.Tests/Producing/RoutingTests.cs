using System.Text;

namespace Comet.Client.Tests.Producing;

public class RoutingTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    // MurmurHash3 x86 32-bit with seed 0, published values, without the sign bit.
    [Theory]
    [InlineData("", 0x00000000)]
    [InlineData("test", 0xBA6BD213)]
    [InlineData("Hello, world!", 0xC0363E43)]
    [InlineData("The quick brown fox jumps over the lazy dog", 0x2E4FF723)]
    [InlineData("abc", 0xB3DD93FA)]
    public async Task A_key_goes_to_the_partition_of_its_MurmurHash3(string key, uint murmur)
    {
        const int Partitions = 7;
        await using var comet = await Embedded.StartAsync(new() { DefaultPartitionCount = Partitions });
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);

        var first = await producer.SendAsync(new OutgoingMessage<string>("a") { Key = key }, Cancelled);
        var second = await producer.SendAsync(new OutgoingMessage<string>("b") { Key = key }, Cancelled);

        Assert.Equal((int)(murmur & int.MaxValue) % Partitions, first.Partition);
        Assert.Equal((first.Partition, 1), (second.Partition, second.Offset));
    }

    [Fact]
    public async Task Without_a_key_each_partition_in_turn_gets_a_batch()
    {
        await using var comet = await Embedded.StartAsync(new() { DefaultPartitionCount = 3 });
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using var client = await CometClient.ConnectAsync(
            new CometClientOptions { Transport = comet.Broker.Transport, TimeProvider = time }, Cancelled);
        var options = new ProducerOptions<string> { MaxBatchMessages = 5, Linger = TimeSpan.FromSeconds(1) };
        await using var producer = await client.CreateProducerAsync("t", options, Cancelled);

        var sends = Enumerable.Range(0, 30).Select(i => producer.SendAsync($"{i}").AsTask()).ToArray();
        var ids = await Task.WhenAll(sends).WaitAsync(Cancelled);

        var turns = ids.Chunk(5).Select(static batch => batch.Select(static id => id.Partition).Distinct().Single()).ToArray();
        Assert.Equal(turns[..3].Concat(turns[..3]), turns);
        Assert.Equal([0, 1, 2], turns[..3].Order());
    }

    [Fact]
    public async Task A_router_decides_alone()
    {
        await using var comet = await Embedded.StartAsync(new() { DefaultPartitionCount = 4 });
        var options = new ProducerOptions<string> { Router = static (message, count) => count - message.Value.Length };
        await using var producer = await comet.Client.CreateProducerAsync("t", options, Cancelled);

        Assert.Equal(3, (await producer.SendAsync(new OutgoingMessage<string>("a") { Key = "k" }, Cancelled)).Partition);
        Assert.Equal(0, (await producer.SendAsync(new OutgoingMessage<string>("abcd") { Key = "k" }, Cancelled)).Partition);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(2)]
    public async Task A_router_out_of_range_fails_that_message_and_no_other(int chosen)
    {
        await using var comet = await Embedded.StartAsync(new() { DefaultPartitionCount = 2 });
        var options = new ProducerOptions<string> { Router = (message, _) => message.Key is null ? 1 : chosen };
        await using var producer = await comet.Client.CreateProducerAsync("t", options, Cancelled);

        var refused = await Assert.ThrowsAsync<CometException>(
            async () => await producer.SendAsync(new OutgoingMessage<string>("bad") { Key = "k" }, Cancelled));

        Assert.Equal(ErrorCode.PartitionNotFound, refused.Code);
        Assert.Equal(new MessageId("t", 1, 0), await producer.SendAsync("good", Cancelled));
    }

    [Fact]
    public void The_hash_is_over_the_bytes_of_UTF_8()
    {
        const string Key = "schlüssel-😀";
        Assert.Equal(KeyHash.Compute(Encoding.UTF8.GetBytes(Key)), KeyHash.Compute(Key));
        Assert.Equal(KeyHash.Compute(Encoding.UTF8.GetBytes(new string('ä', 5000))), KeyHash.Compute(new string('ä', 5000)));
    }

    /// <summary>Whatever routes them: keys, turns or a router.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Each_message_is_in_exactly_one_partition_and_acks_go_there(int routing)
    {
        const int Partitions = 5;
        const int Count = 2_000;
        await using var comet = await Embedded.StartAsync(new() { DefaultPartitionCount = Partitions });
        var options = new ProducerOptions<string>
        {
            MaxBatchMessages = 16, Router = routing == 2 ? static (message, count) => message.Value.Length % count : null,
        };
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync("t", options, Cancelled);

        var ids = await Task.WhenAll(Enumerable.Range(0, Count).Select(i => producer.SendAsync(
            new OutgoingMessage<string>($"{i}") { Key = routing == 1 ? $"k{i % 37}" : null }, Cancelled).AsTask()));

        Assert.Equal(Count, ids.Distinct().Count());
        var found = new Dictionary<string, MessageId>();
        while (found.Count < Count)
        {
            var delivery = await consumer.ReceiveAsync(Cancelled);
            found.Add(delivery.Value, delivery.Id);
            await delivery.AckAsync(Cancelled);
        }
        Assert.All(ids.Index(), each => Assert.Equal(each.Item, found[$"{each.Index}"]));
        await consumer.FlushAcksAsync(Cancelled);
        var topic = await comet.Client.Topics.DescribeAsync("t", Cancelled);
        foreach (var partition in topic.Partitions)
        {
            Assert.Equal(ids.Count(id => id.Partition == partition.Partition), partition.EndOffset);
            Assert.Equal(partition.EndOffset, topic.Subscriptions.Single(s => s.Partition == partition.Partition).AckedUpTo);
        }
    }

    [Fact]
    public async Task Messages_of_one_key_arrive_in_the_order_in_which_they_were_sent()
    {
        const int Count = 5_000;
        await using var comet = await Embedded.StartAsync(new() { DefaultPartitionCount = 4 });
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync("t", new ProducerOptions<string> { MaxBatchMessages = 7 },
            Cancelled);
        for (var i = 0; i < Count; i++)
            await producer.EnqueueAsync(new($"{i}") { Key = $"k{i * 31 % 13}" }, Cancelled);
        var last = new Dictionary<string, int>();
        for (var received = 0; received < Count; received++)
        {
            var delivery = await consumer.ReceiveAsync(Cancelled);
            var number = int.Parse(delivery.Value, System.Globalization.CultureInfo.InvariantCulture);
            var before = last.GetValueOrDefault(delivery.Key!, -1);
            Assert.True(number > before, $"{number} came behind {before}.");
            last[delivery.Key!] = number;
        }
        Assert.Equal(13, last.Count);
    }
}
