using System.Buffers;
using System.Buffers.Binary;

namespace Comet.Wire;

/// <summary>Writes frames; the grammar is in <see cref="FrameDecoder"/>. One instance for each sender: it keeps a scratch buffer.</summary>
internal sealed class FrameEncoder
{
    private readonly ArrayBufferWriter<byte> _header = new(256);

    /// <summary>Appends a frame, and returns the length of its header. <paramref name="payload"/> is copied.</summary>
    public int Encode<TFrame>(GrowableBuffer output, HeaderCodec codec, in TFrame frame, ulong correlationId,
        in ReadOnlySequence<byte> payload)
        where TFrame : struct, IFrame<TFrame>
    {
        _header.ResetWrittenCount();
        codec.Write(_header, frame);
        var prelude = output.GetSpan(FrameDecoder.LengthPrefix + 2 + (2 * Varint.MaxLength));
        prelude[4] = (byte)TFrame.Type;
        prelude[5] = 0;
        var position = 6;
        position += Varint.Write(prelude[position..], correlationId);
        position += Varint.Write(prelude[position..], (ulong)_header.WrittenCount);
        var length = position - FrameDecoder.LengthPrefix + _header.WrittenCount + payload.Length;
        BinaryPrimitives.WriteUInt32LittleEndian(prelude, checked((uint)length));
        output.Advance(position);
        output.Write(_header.WrittenSpan);
        foreach (var segment in payload)
            output.Write(segment.Span);
        return _header.WrittenCount;
    }
}
