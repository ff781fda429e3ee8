using Comet.Wire;

namespace Comet.Server.Tests.Sessions;

/// <summary>Frames that no client sends: the connection ends with the reason, and no other does.</summary>
public sealed class FrameFaultTests() : BrokerTest(new CometServerOptions { MaxMessageLength = 10_000 })
{
    [Theory]
    [InlineData(0)]
    [InlineData(99)]
    [InlineData(255)]
    [InlineData((int)FrameType.Welcome)]
    [InlineData((int)FrameType.Deliver)]
    [InlineData((int)FrameType.Error)]
    public async Task A_frame_that_a_client_does_not_send(int type)
    {
        await using var client = await ConnectAsync();
        await client.SendAsync(Frame((byte)type, 0, 7, 0));
        Assert.Equal(ErrorCode.ProtocolViolation, (await client.AnswerAsync(7)).Read<ErrorFrame>().Code);
        Assert.Equal(ErrorCode.ProtocolViolation, await client.EndAsync());
    }

    [Fact]
    public Task Flags_that_version_1_does_not_know() => AssertEndsAsync(Frame((byte)FrameType.Ping, 1, 0, 0), ErrorCode.ProtocolViolation);

    [Fact]
    public Task A_header_that_does_not_decode() =>
        AssertEndsAsync(Frame((byte)FrameType.CreateTopic, 0, 7, 3, 0xC1, 0xC1, 0xC1), ErrorCode.ProtocolViolation);

    [Fact]
    public Task A_header_that_ends_too_early() =>
        AssertEndsAsync(Frame((byte)FrameType.CreateTopic, 0, 7, 1, 0x93), ErrorCode.ProtocolViolation);

    [Fact]
    public Task A_header_longer_than_its_frame() => AssertEndsAsync(Frame((byte)FrameType.Ping, 0, 0, 100), ErrorCode.ProtocolViolation);

    [Fact]
    public Task A_header_beyond_the_limit() => AssertEndsAsync(
        Frame((byte)FrameType.Ping, 0, 0, 0x81, 0x80, 0x04, 0, 0), ErrorCode.FrameTooLarge);

    [Fact]
    public Task A_number_at_the_head_that_does_not_end() => AssertEndsAsync(
        Frame((byte)FrameType.Ping, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF), ErrorCode.ProtocolViolation);

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public Task A_length_too_short_for_a_frame(int length) => AssertEndsAsync(BitConverter.GetBytes(length), ErrorCode.ProtocolViolation);

    [Theory]
    [InlineData(10_000 + FrameLimits.FrameOverhead + 1)]
    [InlineData(int.MaxValue)]
    [InlineData(-1)]
    public Task A_length_beyond_the_limit(int length) => AssertEndsAsync(BitConverter.GetBytes(length), ErrorCode.FrameTooLarge);

    [Fact]
    public async Task A_request_without_a_correlation_id_whose_answer_matters()
    {
        foreach (var send in new Func<RawClient, Task>[]
        {
            c => c.SendAsync(Producer("t")), c => c.SendAsync(Subscribe("t")), c => c.SendAsync(new PublishFrame(1)),
        })
        {
            await using var client = await ConnectAsync();
            await send(client);
            Assert.Equal(ErrorCode.ProtocolViolation, await client.EndAsync());
        }
    }

    [Fact]
    public async Task Ranges_that_are_none()
    {
        foreach (var ranges in new long[][] { [1], [5, 4], [-1, 4], [0, long.MaxValue], [1, 2, 3] })
        {
            await using var client = await ConnectAsync();
            var consumer = (await client.SubscribeAsync(Subscribe("t"))).ConsumerId;
            await client.SendAsync(new AckFrame(consumer, false, ranges), 9);
            Assert.Equal(ErrorCode.ProtocolViolation, await client.EndAsync());
        }
    }

    [Fact]
    public async Task A_connection_that_ends_within_a_frame_is_let_go_with_all_it_had()
    {
        var client = await ConnectAsync();
        await client.CreateProducerAsync("t", mode: ProducerAccessMode.Exclusive);
        await client.SendAsync(Frame((byte)FrameType.Ping, 0, 0, 0).AsMemory(0, 5));
        await client.DisposeAsync();
        await client.Served.WaitAsync(RawClient.Deadline);
        await using var other = await ConnectAsync();
        await other.CreateProducerAsync("t", "q", ProducerAccessMode.Exclusive);
    }

    [Fact]
    public async Task A_frame_that_comes_byte_by_byte_is_one()
    {
        await using var client = await ConnectAsync();
        foreach (var one in Frame((byte)FrameType.Ping, 0, 7, 1, 0x90))
            await client.SendAsync(new[] { one });
        Assert.Equal(FrameType.Pong, (await client.AnswerAsync(7)).Type);
    }

    private async Task AssertEndsAsync(byte[] bytes, ErrorCode expected)
    {
        await using var client = await ConnectAsync();
        await client.SendAsync(bytes);
        Assert.Equal(expected, await client.EndAsync());
    }

    private static byte[] Frame(params byte[] body) => [.. BitConverter.GetBytes(body.Length), .. body];
}
