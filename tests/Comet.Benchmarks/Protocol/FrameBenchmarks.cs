using System.Buffers;
using BenchmarkDotNet.Attributes;
using Comet.Wire;

namespace Comet.Benchmarks.Protocol;

/// <summary>One frame with its header, in both codecs. A frame stands for a whole batch of messages, so this is paid per batch.</summary>
[MemoryDiagnoser]
public class FrameBenchmarks
{
    private readonly GrowableBuffer _output = new(4096);
    private readonly FrameEncoder _encoder = new();
    private readonly FrameLimits _limits = FrameLimits.For(FrameLimits.DefaultMaxMessageLength);
    private HeaderCodec _codec = HeaderCodec.MessagePack;
    private byte[] _published = [];
    private byte[] _ack = [];

    [Params("msgpack", "json")]
    public string Codec { get; set; } = "msgpack";

    [GlobalSetup]
    public void Setup()
    {
        _codec = Codec == "json" ? HeaderCodec.Json : HeaderCodec.MessagePack;
        EncodePublished();
        _published = _output.WrittenSpan.ToArray();
        EncodeAck();
        _ack = _output.WrittenSpan.ToArray();
    }

    [Benchmark]
    public int EncodePublished()
    {
        _output.Truncate(0);
        var frame = new PublishedFrame(7, 123_456, 654_321, 500, Durability.Memory, false);
        _encoder.Encode(_output, _codec, frame, 4711, ReadOnlySequence<byte>.Empty);
        return _output.Length;
    }

    [Benchmark]
    public long DecodePublished()
    {
        var buffer = new ReadOnlySequence<byte>(_published);
        FrameDecoder.TryRead(ref buffer, _limits, out var frame);
        return frame.Read<PublishedFrame>(_codec).BaseOffset;
    }

    [Benchmark]
    public int EncodeAck()
    {
        _output.Truncate(0);
        _encoder.Encode(_output, _codec, new AckFrame(7, false, s_ranges), 0, ReadOnlySequence<byte>.Empty);
        return _output.Length;
    }

    [Benchmark]
    public long DecodeAck()
    {
        var buffer = new ReadOnlySequence<byte>(_ack);
        FrameDecoder.TryRead(ref buffer, _limits, out var frame);
        return frame.Read<AckFrame>(_codec).Ranges[^1];
    }

    private static readonly long[] s_ranges = [100, 199, 201, 340];
}
