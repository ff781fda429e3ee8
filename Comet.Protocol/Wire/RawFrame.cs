using System.Buffers;

namespace Comet.Wire;

/// <summary>A frame as it stands in the receive buffer. Valid only until the handler returns: copy what is to be kept.</summary>
internal readonly ref struct RawFrame(FrameType type, ulong correlationId, ReadOnlySequence<byte> header, ReadOnlySequence<byte> payload)
{
    public FrameType Type { get; } = type;

    /// <summary>The request that the frame belongs to; 0 when it belongs to none.</summary>
    public ulong CorrelationId { get; } = correlationId;

    public ReadOnlySequence<byte> Header { get; } = header;

    public ReadOnlySequence<byte> Payload { get; } = payload;

    public TFrame Read<TFrame>(HeaderCodec codec)
        where TFrame : struct, IFrame<TFrame> => codec.Read<TFrame>(Header);
}
