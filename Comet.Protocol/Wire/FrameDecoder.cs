using System.Buffers;
using System.Buffers.Binary;

namespace Comet.Wire;

/// <summary>Cuts frames out of the byte stream, however it was split.</summary>
/// <remarks>Frame: <c>u32 length | u8 type | u8 flags | varint correlation id | varint header length | header | payload</c>, integers
/// little-endian, length counting what follows it. Flags are 0 in version 1.</remarks>
internal static class FrameDecoder
{
    /// <summary>The bytes of the length field.</summary>
    public const int LengthPrefix = 4;

    // Type, flags, and two varints of one byte each.
    private const int MinLength = 4;
    private const int MaxPrelude = 2 + (2 * Varint.MaxLength);

    /// <summary>Takes one frame off the front of <paramref name="buffer"/>; false when it does not hold a whole one yet.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.FrameTooLarge"/> or <see cref="ErrorCode.ProtocolViolation"/>: the
    /// connection is of no further use.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> buffer, FrameLimits limits, out RawFrame frame)
    {
        frame = default;
        if (!TryReadLength(buffer, out var length))
            return false;
        if (length > (uint)limits.MaxFrameLength)
            throw TooLarge("frame", length, limits.MaxFrameLength);
        if (length < MinLength)
            throw new CometException(ErrorCode.ProtocolViolation, $"A frame of {length} bytes is too short to be one.");
        if (buffer.Length < LengthPrefix + length)
            return false;
        frame = ReadBody(buffer.Slice(LengthPrefix, length), limits);
        buffer = buffer.Slice(LengthPrefix + length);
        return true;
    }

    private static bool TryReadLength(in ReadOnlySequence<byte> buffer, out uint length)
    {
        var first = buffer.FirstSpan;
        if (first.Length >= LengthPrefix)
        {
            length = BinaryPrimitives.ReadUInt32LittleEndian(first);
            return true;
        }
        length = 0;
        if (buffer.Length < LengthPrefix)
            return false;
        Span<byte> joined = stackalloc byte[LengthPrefix];
        buffer.Slice(0, LengthPrefix).CopyTo(joined);
        length = BinaryPrimitives.ReadUInt32LittleEndian(joined);
        return true;
    }

    private static RawFrame ReadBody(ReadOnlySequence<byte> body, FrameLimits limits)
    {
        Span<byte> joined = stackalloc byte[MaxPrelude];
        scoped var prelude = body.FirstSpan;
        if (prelude.Length < MaxPrelude && body.Length > prelude.Length)
        {
            var taken = (int)Math.Min(MaxPrelude, body.Length);
            body.Slice(0, taken).CopyTo(joined);
            prelude = joined[..taken];
        }
        if (prelude[1] != 0)
            throw new CometException(ErrorCode.ProtocolViolation, $"A frame has the flags {prelude[1]}; version 1 knows none.");
        var position = 2;
        var correlationId = ReadVarint(prelude, ref position);
        var headerLength = ReadVarint(prelude, ref position);
        if (headerLength > (ulong)limits.MaxHeaderLength)
            throw TooLarge("frame header", headerLength, limits.MaxHeaderLength);
        if ((ulong)body.Length - (ulong)position < headerLength)
            throw new CometException(ErrorCode.ProtocolViolation, "A frame's header is longer than the frame.");
        return new RawFrame(
            (FrameType)prelude[0],
            correlationId,
            body.Slice(position, (long)headerLength),
            body.Slice(position + (long)headerLength));
    }

    private static ulong ReadVarint(scoped ReadOnlySpan<byte> source, scoped ref int position)
    {
        var read = Varint.Read(source[position..], out var value);
        if (read <= 0)
            throw new CometException(ErrorCode.ProtocolViolation, "A number at the head of a frame does not end where it should.");
        position += read;
        return value;
    }

    private static CometException TooLarge(string what, ulong length, int limit) =>
        new(ErrorCode.FrameTooLarge, $"A {what} of {length} bytes is beyond the limit of {limit}.");
}
