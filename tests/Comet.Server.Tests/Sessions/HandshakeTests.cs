using Comet.Wire;

namespace Comet.Server.Tests.Sessions;

public sealed class HandshakeTests() : BrokerTest(new CometServerOptions { NodeId = "node-7", MaxMessageLength = 1000 })
{
    [Fact]
    public async Task Welcome_tells_the_version_the_node_and_the_limits()
    {
        await using var client = await OpenAsync();
        await client.SendHelloAsync(maxVersion: 9);
        var welcome = (await client.NextAsync()).Read<WelcomeFrame>();
        Assert.Equal((1, "node-7", 1000), (welcome.Version, welcome.NodeId, welcome.MaxMessageLength));
        Assert.Equal(10_000, welcome.HeartbeatMilliseconds);
    }

    [Fact]
    public async Task What_follows_Welcome_is_in_the_codec_that_Hello_names()
    {
        await using var client = await RawClient.ConnectAsync(Broker, HeaderCodec.Json);
        var producer = await client.CreateProducerAsync("json");
        Assert.Equal(0, (await client.PublishAsync(producer, 0, 1)).BaseOffset);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("COMET/2\n")]
    [InlineData("X")]
    public async Task Who_sends_another_preface_is_told_that_this_is_not_comet(string preface)
    {
        await using var client = RawClient.Open(Broker);
        await client.SendAsync(System.Text.Encoding.ASCII.GetBytes(preface));
        Assert.Equal(ErrorCode.NotComet, await client.EndAsync());
    }

    [Fact]
    public async Task A_preface_that_comes_byte_by_byte_is_one()
    {
        await using var client = RawClient.Open(Broker);
        foreach (var one in Preface.Bytes.ToArray())
            await client.SendAsync(new[] { one });
        await client.SendHelloAsync();
        Assert.Equal(FrameType.Welcome, (await client.NextAsync()).Type);
    }

    [Theory]
    [InlineData(2, 3)]
    [InlineData(0, 0)]
    [InlineData(-5, -1)]
    public async Task A_version_that_theBroker_does_not_speak_is_refused(int min, int max)
    {
        await using var client = await OpenAsync();
        await client.SendHelloAsync(minVersion: min, maxVersion: max);
        Assert.Equal(ErrorCode.UnsupportedVersion, await client.EndAsync());
    }

    [Fact]
    public async Task A_codec_that_theBroker_does_not_have_is_refused()
    {
        await using var client = await OpenAsync();
        await client.SendHelloAsync(codec: "xml");
        Assert.Equal(ErrorCode.UnsupportedCodec, await client.EndAsync());
    }

    [Fact]
    public async Task A_frame_before_Hello_is_refused()
    {
        await using var client = await OpenAsync();
        await client.SendAsync(new ListTopicsFrame(""), 5);
        Assert.Equal(ErrorCode.UnexpectedHandshake, (await client.AnswerAsync(5)).Read<ErrorFrame>().Code);
        Assert.Equal(ErrorCode.UnexpectedHandshake, await client.EndAsync());
    }

    [Fact]
    public async Task A_second_Hello_is_refused()
    {
        await using var client = await RawClient.ConnectAsync(Broker);
        await client.SendHelloAsync();
        Assert.Equal(ErrorCode.UnexpectedHandshake, await client.EndAsync());
    }

    [Fact]
    public async Task Before_the_handshake_only_short_frames_are_taken()
    {
        await using var client = await OpenAsync();
        await client.SendAsync(BitConverter.GetBytes(FrameLimits.BeforeHandshake.MaxFrameLength + 1));
        Assert.Equal(ErrorCode.FrameTooLarge, await client.EndAsync());
    }

    [Fact]
    public async Task Who_does_not_finish_the_handshake_inTime_is_let_go()
    {
        await using var client = await OpenAsync();
        Time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(client.Served.IsCompleted);
        Time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Equal(ErrorCode.HandshakeTimeout, await client.EndAsync());
    }

    [Fact]
    public async Task Who_ends_during_the_handshake_leaves_nothing_behind()
    {
        var client = await OpenAsync();
        await client.DisposeAsync();
        await client.Served.WaitAsync(RawClient.Deadline);
    }

    private async Task<RawClient> OpenAsync()
    {
        var client = RawClient.Open(Broker);
        await client.SendAsync(Preface.Bytes.ToArray());
        return client;
    }
}
