using System.Buffers;
using System.Buffers.Binary;
using Comet.Wire;
using CsCheck;

namespace Comet.Protocol.Tests.Wire;

public sealed class FrameDecoderTests
{
    private static readonly FrameLimits s_limits = FrameLimits.For(FrameLimits.DefaultMaxMessageLength);

    [Fact]
    public void Any_splitting_of_the_stream_gives_the_same_frames()
    {
        var examples = Gen.Int[0, FrameCatalogue.All.Count - 1].Select(Gen.Int[0, 300], Gen.ULong).Array[1, 20];
        Gen.Select(examples, Gen.Int[1, 64], Gen.Int).Sample(t =>
        {
            var (frames, longestPiece, seed) = t;
            var stream = frames
                .SelectMany(f => FrameCatalogue.All[f.Item1].EncodeFrame(HeaderCodec.MessagePack, f.Item3, Payload(f.Item2)))
                .ToArray();
            var random = new Random(seed);
            var buffer = Sequences.Split(stream, () => random.Next(1, longestPiece + 1));
            foreach (var (example, payloadLength, correlationId) in frames)
            {
                Assert.True(FrameDecoder.TryRead(ref buffer, s_limits, out var frame));
                Assert.Equal(FrameCatalogue.All[example].Type, frame.Type);
                Assert.Equal(correlationId, frame.CorrelationId);
                Assert.Equal(FrameCatalogue.All[example].Print(),
                    FrameCatalogue.All[example].DecodeAndPrint(HeaderCodec.MessagePack, frame.Header));
                Assert.Equal(Payload(payloadLength), frame.Payload.ToArray());
            }
            Assert.True(buffer.IsEmpty);
        });
    }

    [Fact]
    public void A_frame_is_read_only_when_its_last_byte_is_there()
    {
        var bytes = FrameCatalogue.All[0].EncodeFrame(HeaderCodec.MessagePack, 300, Payload(50));
        for (var length = 0; length < bytes.Length; length++)
        {
            var part = new ReadOnlySequence<byte>(bytes, 0, length);
            Assert.False(FrameDecoder.TryRead(ref part, s_limits, out _));
            Assert.Equal(length, part.Length);
        }
    }

    [Fact]
    public void A_payload_of_more_than_a_mebibyte_arrives_whole()
    {
        var limits = FrameLimits.For(8 * 1024 * 1024);
        var bytes = FrameCatalogue.All[0].EncodeFrame(HeaderCodec.MessagePack, 1, Payload(5 * 1024 * 1024));
        var buffer = Sequences.Split(bytes, static () => 4096);
        Assert.True(FrameDecoder.TryRead(ref buffer, limits, out var frame));
        Assert.Equal(5 * 1024 * 1024, frame.Payload.Length);
    }

    [Theory]
    [InlineData(uint.MaxValue, ErrorCode.FrameTooLarge)]
    [InlineData(0x7FFFFFFF, ErrorCode.FrameTooLarge)]
    [InlineData(0, ErrorCode.ProtocolViolation)]
    [InlineData(3, ErrorCode.ProtocolViolation)]
    public void A_length_beyond_its_limits_is_refused_before_the_frame_is_there(uint length, ErrorCode expected)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, length);
        AssertCode(expected, bytes);
    }

    [Fact]
    public void A_header_beyond_its_limit_or_its_frame_is_refused()
    {
        AssertCode(ErrorCode.FrameTooLarge, Frame(type: 1, flags: 0, correlationId: 0, headerLength: 70_000, rest: 80_000));
        AssertCode(ErrorCode.ProtocolViolation, Frame(type: 1, flags: 0, correlationId: 0, headerLength: 100, rest: 99));
    }

    [Fact]
    public void Flags_that_version_1_does_not_know_are_refused() =>
        AssertCode(ErrorCode.ProtocolViolation, Frame(type: 1, flags: 4, correlationId: 0, headerLength: 0, rest: 0));

    [Fact]
    public void Random_bytes_never_throw_anything_but_a_coded_error()
    {
        Gen.Byte.Array[0, 200].Sample(
            bytes =>
            {
                var buffer = new ReadOnlySequence<byte>(bytes);
                try
                {
                    while (FrameDecoder.TryRead(ref buffer, new FrameLimits(150, 100), out _))
                    {
                    }
                }
                catch (CometException e)
                {
                    Assert.True(e.Code is ErrorCode.FrameTooLarge or ErrorCode.ProtocolViolation);
                }
            },
            iter: 20_000);
    }

    private static byte[] Payload(int length) => [.. Enumerable.Range(0, length).Select(static i => (byte)(i * 7))];

    private static byte[] Frame(byte type, byte flags, ulong correlationId, ulong headerLength, int rest)
    {
        var bytes = new byte[64 + rest];
        bytes[4] = type;
        bytes[5] = flags;
        var at = 6;
        at += Varint.Write(bytes.AsSpan(at), correlationId);
        at += Varint.Write(bytes.AsSpan(at), headerLength);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)(at - 4 + rest));
        return bytes[..(at + rest)];
    }

    private static void AssertCode(ErrorCode expected, byte[] bytes) => Assert.Equal(expected, Assert.Throws<CometException>(() =>
    {
        var buffer = new ReadOnlySequence<byte>(bytes);
        FrameDecoder.TryRead(ref buffer, s_limits, out _);
    }).Code);
}
