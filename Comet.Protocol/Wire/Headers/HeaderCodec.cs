using System.Buffers;
using Comet.Wire;

namespace Comet;

/// <summary>How frame headers are written. The client names one in the handshake, and the broker must have it. Payloads never
/// pass through a codec.</summary>
/// <remarks>Derive from it for a codec of your own, and register that with both sides (<c>CometClientOptions.HeaderCodec</c>,
/// <c>CometServerOptions.HeaderCodecs</c>). Instances are shared by all connections and must be thread-safe.</remarks>
public abstract class HeaderCodec
{
    /// <summary>The default: MessagePack arrays, compact and fast.</summary>
    public static HeaderCodec MessagePack { get; } = new MessagePackHeaderCodec();

    /// <summary>JSON objects: readable on the wire, for debugging and for clients in other languages.</summary>
    public static HeaderCodec Json { get; } = new JsonHeaderCodec();

    /// <summary>The name the two sides agree on: 1 to 32 characters of a-z 0-9 and '-'.</summary>
    public abstract string Name { get; }

    /// <summary>Creates a writer that appends one header to <paramref name="output"/>.</summary>
    protected abstract IHeaderWriter CreateWriter(IBufferWriter<byte> output);

    /// <summary>Creates a reader over the bytes of one header, which are valid until the read is over.</summary>
    protected abstract IHeaderReader CreateReader(ReadOnlySequence<byte> header);

    /// <summary>Writes a frame's header. The codecs of this assembly override it to avoid the interface on hot paths.</summary>
    internal virtual void Write<TFrame>(IBufferWriter<byte> output, in TFrame frame)
        where TFrame : struct, IFrame<TFrame>
    {
        var writer = CreateWriter(output);
        frame.WriteTo(ref writer);
    }

    /// <summary>Reads a frame's header.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.ProtocolViolation"/>: it does not decode as that frame.</exception>
    internal virtual TFrame Read<TFrame>(ReadOnlySequence<byte> header)
        where TFrame : struct, IFrame<TFrame>
    {
        try
        {
            var reader = CreateReader(header);
            return TFrame.ReadFrom(ref reader);
        }
        catch (Exception e) when (e is not CometException)
        {
            throw Undecodable<TFrame>(e);
        }
    }

    internal static CometException Undecodable<TFrame>(Exception cause)
        where TFrame : struct, IFrame<TFrame> =>
        new(ErrorCode.ProtocolViolation, $"The header of a {TFrame.Type} frame does not decode: {cause.Message}", cause);
}
