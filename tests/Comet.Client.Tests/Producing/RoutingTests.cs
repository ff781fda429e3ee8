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
}
