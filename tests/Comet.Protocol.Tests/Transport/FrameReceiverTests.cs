using System.IO.Pipelines;
using System.Text;
using Comet.Transport;
using Comet.Wire;

namespace Comet.Protocol.Tests.Transport;

public sealed class FrameReceiverTests
{
    [Fact]
    public async Task The_preface_is_recognised_however_it_arrives()
    {
        var pipe = new Pipe();
        var reading = FrameReceiver.ReadPrefaceAsync(pipe.Reader, "test", isClient: true, CancellationToken.None).AsTask();
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
            Assert.False(await FrameReceiver.ReadPrefaceAsync(pipe.Reader, "test", isClient: true, CancellationToken.None));
            return;
        }
        var error = await Assert.ThrowsAsync<CometException>(
            async () => await FrameReceiver.ReadPrefaceAsync(pipe.Reader, "test", isClient: true, CancellationToken.None));
        Assert.Equal(ErrorCode.NotComet, error.Code);
    }

    [Theory]
    [InlineData(true, 0x16, "The client at peer speaks TLS, and this is a plain port")]
    [InlineData(true, 0x47, "What the client at peer sends is not the Comet protocol")]
    [InlineData(false, 0x16, "What answers at peer does not speak the Comet protocol")]
    public async Task The_reason_speaks_from_the_view_of_who_logs_it(bool isClient, byte first, string said)
    {
        var pipe = new Pipe();
        await pipe.Writer.WriteAsync(new[] { first });
        var error = await Assert.ThrowsAsync<CometException>(
            async () => await FrameReceiver.ReadPrefaceAsync(pipe.Reader, "peer", isClient, CancellationToken.None));
        Assert.StartsWith(said, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Frames_of_one_read_are_handled_only_while_the_session_can_take_them()
    {
        const int Frames = 10;
        var pipe = new Pipe();
        var handler = new Hesitating();
        var sender = new FrameSender(pipe.Writer, HeaderCodec.MessagePack, 1 << 20);
        sender.Cork();
        for (var i = 0; i < Frames; i++)
            sender.Send(new CloseProducerFrame(i), 1);
        sender.Uncork();
        await sender.EndAsync();
        await pipe.Writer.CompleteAsync();

        var receiving = FrameReceiver.RunAsync(pipe.Reader, handler, CancellationToken.None);

        for (var handled = 1; handled <= Frames; handled++)
        {
            Assert.Equal(handled, handler.Handled);
            Assert.False(receiving.IsCompleted);
            handler.Continue();
        }
        await receiving.WaitAsync(TimeSpan.FromSeconds(15));
        Assert.Equal(Frames, handler.Handled);
    }

    /// <summary>Can take one frame, then has to wait.</summary>
    private sealed class Hesitating : IFrameHandler
    {
        private TaskCompletionSource? _ready;

        public int Handled { get; private set; }

        public FrameLimits Limits => FrameLimits.BeforeHandshake;

        public bool IsReady => _ready is null;

        public void Handle(in RawFrame frame)
        {
            Handled++;
            _ready = new TaskCompletionSource();
        }

        public void Continue()
        {
            var ready = _ready!;
            _ready = null;
            ready.SetResult();
        }

        public void BeginBurst()
        {
        }

        public void EndBurst()
        {
        }

        public ValueTask WaitUntilReadyAsync(CancellationToken cancellationToken) => new(_ready?.Task ?? Task.CompletedTask);
    }
}
