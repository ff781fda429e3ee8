using System.Buffers;
using Comet.Client.Tests.Scripted;

namespace Comet.Client.Tests.Producing;

public class RefusalTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_value_that_cannot_be_serialized_fails_alone()
    {
        await using var stage = await Stage.StartAsync();
        var options = new ProducerOptions<string> { Serializer = new HalfWayFailing() };
        await using var producer = await stage.Client.CreateProducerAsync("t", options, Cancelled);
        stage.Network.Requests.Close();
        var sends = Enumerable.Range(0, 30).Select(i => producer.SendAsync(i % 3 == 1 ? "bad" : $"{i}", Cancelled).AsTask()).ToArray();
        stage.Network.Requests.Open();

        for (var i = 0; i < sends.Length; i++)
        {
            if (i % 3 == 1)
                Assert.Equal(ErrorCode.UnserializableValue, (await Assert.ThrowsAsync<CometException>(() => sends[i])).Code);
            else
                Assert.Equal(0, (await sends[i]).Partition);
        }
        var refused = await Assert.ThrowsAsync<CometException>(async () => await producer.Writer.WriteAsync("bad", Cancelled));
        Assert.IsType<InvalidOperationException>(refused.InnerException);
        await producer.FlushAsync(Cancelled);
        Assert.Equal(
            Enumerable.Range(0, 30).Where(static i => i % 3 != 1).Select(static i => $"{i}"),
            await Eventually.ReadTopicAsync(stage.Observer, "t"));
        Assert.Equal(ProducerState.Attached, producer.State.Current);
    }

    [Fact]
    public async Task A_message_larger_than_the_broker_takes_fails_alone_and_is_not_sent()
    {
        await using var comet = await Embedded.StartAsync(new() { MaxMessageLength = 1000 });
        await using var producer = await comet.Client.CreateProducerAsync<byte[]>("t", cancellationToken: Cancelled);

        var refused = await Assert.ThrowsAsync<CometException>(async () => await producer.SendAsync(new byte[1001], Cancelled));

        Assert.Equal(ErrorCode.MessageTooLarge, refused.Code);
        Assert.Equal(new MessageId("t", 0, 0), await producer.SendAsync(new byte[900], Cancelled));
    }

    [Fact]
    public async Task The_largest_message_that_the_broker_takes_goes_through()
    {
        await using var comet = await Embedded.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync<byte[]>("t", cancellationToken: Cancelled);
        await using var reader = await comet.Client.CreateReaderAsync<byte[]>("t", cancellationToken: Cancelled);
        var payload = new byte[(1024 * 1024) - 100];
        new Random(1).NextBytes(payload);
        await producer.SendAsync(payload, Cancelled);
        Assert.Equal(payload, (await reader.ReceiveAsync(Cancelled)).Value);
    }

    [Fact]
    public async Task A_deleted_topic_faults_its_producer_and_what_waits()
    {
        await using var comet = await Embedded.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await producer.SendAsync("a", Cancelled);

        await comet.Client.Topics.DeleteAsync("t", Cancelled);

        await producer.State.WaitForAsync(ProducerState.Faulted, Cancelled);
        Assert.Equal(ErrorCode.TopicDeleted, producer.State.Fault!.Code);
        Assert.Equal(ErrorCode.TopicDeleted,
            (await Assert.ThrowsAsync<CometException>(async () => await producer.SendAsync("b", Cancelled))).Code);
        Assert.Equal(ErrorCode.TopicDeleted,
            (await Assert.ThrowsAsync<CometException>(async () => await producer.Writer.WriteAsync("b", Cancelled))).Code);
        Assert.Equal(ErrorCode.TopicDeleted, (await Assert.ThrowsAsync<CometException>(() => producer.FlushAsync(Cancelled))).Code);
    }

    [Fact]
    public async Task Without_a_topic_and_without_creation_on_first_use_there_is_no_producer()
    {
        await using var comet = await Embedded.StartAsync(new() { CreateTopicsOnFirstUse = false });
        var refused = await Assert.ThrowsAsync<CometException>(
            () => comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled));
        Assert.Equal(ErrorCode.TopicNotFound, refused.Code);
        refused = await Assert.ThrowsAsync<CometException>(
            () => comet.Client.CreateProducerAsync<string>("a//b", cancellationToken: Cancelled));
        Assert.Equal(ErrorCode.InvalidName, refused.Code);
    }

    [Fact]
    public async Task A_full_broker_is_asked_again_until_messages_are_consumed()
    {
        const int Count = 400;
        await using var comet = await Embedded.StartAsync(new() { MemoryLimit = 4 * 1024 * 1024 }, new() { Reconnect = Stage.Impatient });
        var consuming = new ConsumerOptions<byte[]> { StartPosition = StartPosition.Earliest, ReceiveWindowMessages = 4 };
        await using var consumer = await comet.Client.SubscribeAsync("t", "s", consuming, Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync("t",
            new ProducerOptions<byte[]> { MaxBatchBytes = 4096 }, Cancelled);
        for (var i = 0; i < Count; i++)
            Assert.True(producer.Writer.TryWrite([.. BitConverter.GetBytes(i), .. new byte[20_000]]));

        // It is refused for the first time before anybody consumes.
        await producer.State.WaitForAsync(ProducerState.Reattaching, Cancelled);
        for (var i = 0; i < Count; i++)
        {
            var delivery = await consumer.ReceiveAsync(Cancelled);
            Assert.Equal(i, BitConverter.ToInt32(delivery.Value));
            await delivery.AckAsync(Cancelled);
        }
        await producer.FlushAsync(Cancelled);
        Assert.Equal(Count, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Stored());
    }

    private sealed class HalfWayFailing : IMessageSerializer<string>
    {
        public void Serialize(string value, IBufferWriter<byte> output)
        {
            MessageSerializer.Text.Serialize(value, output);
            if (value == "bad")
                throw new InvalidOperationException("Half of it is written.");
        }

        public string Deserialize(ReadOnlyMemory<byte> payload) => MessageSerializer.Text.Deserialize(payload);
    }
}
