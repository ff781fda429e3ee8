using System.IO.Pipelines;
using Comet.Transport;
using Comet.Wire;

namespace Comet.Protocol.Tests.Transport;

public sealed class FrameSenderTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Frames_of_many_threads_arrive_whole_and_in_order_for_each_thread()
    {
        const int Threads = 8;
        const int FramesEach = 2000;
        var pipe = new Pipe();
        var sender = new FrameSender(pipe.Writer, HeaderCodec.MessagePack, 1 << 20);
        var received = ReceiveAsync(pipe.Reader);
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(() =>
        {
            for (var i = 0; i < FramesEach; i++)
                Assert.True(sender.Send(new CloseProducerFrame(thread), (ulong)i, new byte[i % 100]));
        })));
        await sender.EndAsync().WaitAsync(s_deadline);
        await pipe.Writer.CompleteAsync();
        var frames = await received.WaitAsync(s_deadline);
        Assert.Equal(Threads * FramesEach, frames.Count);
        foreach (var thread in frames.GroupBy(f => f.Producer))
            Assert.Equal(Enumerable.Range(0, FramesEach).Select(i => (ulong)i), thread.Select(f => f.CorrelationId));
    }

    [Fact]
    public async Task Corked_frames_leave_in_one_write()
    {
        var output = new RecordingWriter();
        var sender = new FrameSender(output, HeaderCodec.MessagePack, 1 << 20);
        sender.Cork();
        sender.Cork();
        for (var i = 0; i < 10; i++)
            sender.Send(new PingFrame());
        sender.Uncork();
        Assert.Empty(output.Writes);
        sender.Uncork();
        await sender.EndAsync().WaitAsync(s_deadline);
        Assert.Single(output.Writes);
    }

    [Fact]
    public async Task What_gathers_during_a_write_leaves_in_the_next_one()
    {
        var output = new RecordingWriter { IsHeld = true };
        var sender = new FrameSender(output, HeaderCodec.MessagePack, 1 << 20);
        for (var i = 0; i < 100; i++)
            sender.Send(new PingFrame());
        Assert.Single(output.Writes);
        output.Release();
        await sender.EndAsync().WaitAsync(s_deadline);
        Assert.Equal(2, output.Writes.Count);
        Assert.Equal(99 * output.Writes[0], output.Writes[1]);
    }

    [Fact]
    public async Task Space_is_signalled_when_the_peer_reads_again()
    {
        var output = new RecordingWriter { IsHeld = true };
        var signalled = 0;
        var signal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var sender = new FrameSender(output, HeaderCodec.MessagePack, 1000)
        {
            SpaceAvailable = () =>
            {
                signalled++;
                signal.TrySetResult();
            }
        };
        sender.Send(new PublishFrame(1), 0, new byte[600]);
        Assert.True(sender.HasSpace);
        sender.Send(new PublishFrame(1), 0, new byte[600]);
        Assert.False(sender.HasSpace);
        var waiting = sender.WaitForSpaceAsync(CancellationToken.None);
        Assert.False(waiting.IsCompleted);
        output.Release();
        // Who waits goes on before the signal is given, or after it.
        await waiting.AsTask().WaitAsync(s_deadline);
        await signal.Task.WaitAsync(s_deadline);
        Assert.Equal(1, signalled);
        Assert.True(sender.HasSpace);
    }

    [Fact]
    public async Task After_a_failed_write_sending_says_so_and_nobody_waits()
    {
        var output = new RecordingWriter { IsHeld = true };
        var sender = new FrameSender(output, HeaderCodec.MessagePack, 10);
        sender.Send(new PublishFrame(1), 0, new byte[100]);
        var waiting = sender.WaitForSpaceAsync(CancellationToken.None);
        var ending = sender.EndAsync();
        output.Fail(new IOException("broken pipe"));
        await waiting.AsTask().WaitAsync(s_deadline);
        await ending.WaitAsync(s_deadline);
        Assert.False(sender.Send(new PingFrame()));
        Assert.IsType<IOException>(sender.Fault);
    }

    [Fact]
    public async Task An_answer_too_long_for_the_peer_goes_as_an_error()
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var sender = new FrameSender(pipe.Writer, HeaderCodec.MessagePack, 1 << 20);
        var topic = new TopicSummary(new string('t', 200), 1);
        sender.Send(new TopicListFrame([.. Enumerable.Repeat(topic, 6_000)]), 7);
        sender.Send(new CloseProducerFrame(1), 8);
        await sender.EndAsync().WaitAsync(s_deadline);

        var buffer = (await pipe.Reader.ReadAsync()).Buffer;
        Assert.True(FrameDecoder.TryRead(ref buffer, FrameLimits.BeforeHandshake, out var answer));
        Assert.Equal((FrameType.Error, 7UL), (answer.Type, answer.CorrelationId));
        Assert.Equal(ErrorCode.LimitExceeded, answer.Read<ErrorFrame>(HeaderCodec.MessagePack).Code);
        Assert.True(FrameDecoder.TryRead(ref buffer, FrameLimits.BeforeHandshake, out var next));
        Assert.Equal((FrameType.CloseProducer, 8UL), (next.Type, next.CorrelationId));
    }

    [Fact]
    public void Sending_allocates_nothing_per_frame()
    {
        var sender = new FrameSender(new RecordingWriter { IsForgetful = true }, HeaderCodec.MessagePack, 1 << 20);
        var payload = new byte[200];
        for (var i = 0; i < 1000; i++)
            sender.Send(new PublishedFrame(1, i, i, 1, Durability.Memory, false), 5, payload);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            sender.Send(new PublishedFrame(1, i, i, 1, Durability.Memory, false), 5, payload);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static async Task<List<(long Producer, ulong CorrelationId)>> ReceiveAsync(PipeReader reader)
    {
        var handler = new Collector();
        await FrameReceiver.RunAsync(reader, handler, CancellationToken.None);
        return handler.Frames;
    }

    private sealed class Collector : IFrameHandler
    {
        public List<(long Producer, ulong CorrelationId)> Frames { get; } = [];

        public FrameLimits Limits => FrameLimits.BeforeHandshake;

        public void Handle(in RawFrame frame) =>
            Frames.Add((frame.Read<CloseProducerFrame>(HeaderCodec.MessagePack).ProducerId, frame.CorrelationId));

        public void BeginBurst()
        {
        }

        public void EndBurst()
        {
        }

        public ValueTask WaitUntilReadyAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }

    /// <summary>Records the length of each write, and completes it when it is told to.</summary>
    private sealed class RecordingWriter : PipeWriter
    {
        private readonly TaskCompletionSource<FlushResult> _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public List<int> Writes { get; } = [];

        public bool IsHeld { get; set; }

        public bool IsForgetful { get; set; }

        public void Release()
        {
            IsHeld = false;
            _released.TrySetResult(default);
        }

        public void Fail(Exception e) => _released.TrySetException(e);

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
        {
            if (!IsForgetful)
                Writes.Add(source.Length);
            return IsHeld ? new(_released.Task) : new(default(FlushResult));
        }

        public override void Advance(int bytes) => throw new NotSupportedException();

        public override Memory<byte> GetMemory(int sizeHint = 0) => throw new NotSupportedException();

        public override Span<byte> GetSpan(int sizeHint = 0) => throw new NotSupportedException();

        public override void CancelPendingFlush() => throw new NotSupportedException();

        public override void Complete(Exception? exception = null) => throw new NotSupportedException();

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();
    }
}
