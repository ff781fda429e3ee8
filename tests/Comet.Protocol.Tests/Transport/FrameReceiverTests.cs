using System.IO.Pipelines;
using System.Text;
using Comet.Transport;

namespace Comet.Protocol.Tests.Transport;

public sealed class FrameReceiverTests
{
    [Fact]
    public async Task The_preface_is_recognised_however_it_arrives()
    {
        var pipe = new Pipe();
        var reading = FrameReceiver.ReadPrefaceAsync(pipe.Reader, "test", CancellationToken.None).AsTask();
        foreach (var b in "COMET/1\n"u8.ToArray())
            await pipe.Writer.WriteAsync(new[] { b });
        Assert.True(await reading);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request")]
    [InlineData("C")]
    [InlineData("COMET/2\n")]
    public async Task Who_is_not_Comet_is_told_at_the_first_wrong_byte(string text)
    {
        var pipe = new Pipe();
        await pipe.Writer.WriteAsync(Encoding.ASCII.GetBytes(text));
        await pipe.Writer.CompleteAsync();
        if (text == "C")
        {
            Assert.False(await FrameReceiver.ReadPrefaceAsync(pipe.Reader, "test", CancellationToken.None));
            return;
        }
        var error = await Assert.ThrowsAsync<CometException>(
            async () => await FrameReceiver.ReadPrefaceAsync(pipe.Reader, "test", CancellationToken.None));
        Assert.Equal(ErrorCode.NotComet, error.Code);
    }
}
