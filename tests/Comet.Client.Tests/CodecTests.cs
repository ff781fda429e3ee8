using Comet.Protocol.Tests.Wire;

namespace Comet.Client.Tests;

public class CodecTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static TheoryData<HeaderCodec> Codecs { get; } = [HeaderCodec.MessagePack, HeaderCodec.Json, new LineHeaderCodec()];

    [Theory]
    [MemberData(nameof(Codecs), DisableDiscoveryEnumeration = true)]
    public async Task Client_and_broker_speak_any_codec_that_both_have(HeaderCodec codec)
    {
        await using var comet = await Embedded.StartAsync(new() { HeaderCodecs = [new LineHeaderCodec()] }, new() { HeaderCodec = codec });
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < 100; i++)
        {
            await producer.SendAsync($"{i}", Cancelled);
            var delivery = await consumer.ReceiveAsync(Cancelled);
            Assert.Equal($"{i}", delivery.Value);
            await delivery.AckAsync(Cancelled);
        }
        await consumer.FlushAcksAsync(Cancelled);
        var topic = await comet.Client.Topics.DescribeAsync("t", Cancelled);
        Assert.Equal(0, Assert.Single(topic.Subscriptions).Backlog);
    }

    [Fact]
    public async Task A_codec_that_the_broker_lacks_is_refused_by_name()
    {
        var refusal = await Assert.ThrowsAsync<CometException>(() => Embedded.StartAsync(options: new()
        {
            HeaderCodec = new LineHeaderCodec()
        }));
        Assert.Equal(ErrorCode.UnsupportedCodec, refusal.Code);
        Assert.Contains(HeaderCodec.MessagePack.Name, refusal.Message, StringComparison.Ordinal);
    }
}
