using System.Buffers;
using System.IO.Pipelines;
using Comet.Wire;

namespace Comet.Transport;

/// <summary>What a session does with the frames that arrive.</summary>
internal interface IFrameHandler
{
    /// <summary>What is taken from the peer now; it grows when the handshake is done.</summary>
    FrameLimits Limits { get; }

    /// <summary>Handles one frame. The frame's memory is valid until the call returns. An exception ends the connection.</summary>
    void Handle(in RawFrame frame);

    /// <summary>Whether the session can take another frame; where not, <see cref="WaitUntilReadyAsync"/> completes when it can. Asked
    /// before each frame: one read may bring a hundred thousand requests, and each answer may be long.</summary>
    bool IsReady => true;

    /// <summary>Called before the first and behind the last of the frames that one read has brought.</summary>
    void BeginBurst();

    /// <inheritdoc cref="BeginBurst"/>
    void EndBurst();

    /// <summary>Completes when the session can take more: this is where back-pressure reaches the peer.</summary>
    ValueTask WaitUntilReadyAsync(CancellationToken cancellationToken);
}

/// <summary>The receiving half of a connection: the happy path only; the session classifies what it throws.</summary>
internal static class FrameReceiver
{
    // The content type that a TLS connection begins with.
    private const byte TlsHandshake = 0x16;

    /// <summary>Reads the peer's preface; false when the peer ended the connection before it was complete.</summary>
    /// <param name="input">What the peer sends.</param>
    /// <param name="peer">Its address.</param>
    /// <param name="isClient">Whether the peer is the one that has dialled.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.NotComet"/>.</exception>
    public static async ValueTask<bool> ReadPrefaceAsync(
        PipeReader input, string peer, bool isClient, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await input.ReadAsync(cancellationToken);
            var status = MatchPreface(result.Buffer);
            if (status == PrefaceMatch.Whole)
            {
                input.AdvanceTo(result.Buffer.GetPosition(Preface.Length));
                return true;
            }
            var first = result.Buffer.FirstSpan is [var value, ..] ? value : (byte)0;
            input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (status == PrefaceMatch.Other)
                throw new CometException(ErrorCode.NotComet, isClient ? DescribeClient(peer, first) : DescribeBroker(peer));
            if (result.IsCompleted || result.IsCanceled)
                return false;
        }
    }

    /// <summary>Hands frames to the session until the peer ends the stream.</summary>
    public static async Task RunAsync(PipeReader input, IFrameHandler handler, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await input.ReadAsync(cancellationToken);
            var (rest, isHeld) = HandleAll(result.Buffer, handler);
            var isTruncated = !rest.IsEmpty;
            // What is not looked at yet is read again at once.
            input.AdvanceTo(rest.Start, isHeld ? rest.Start : rest.End);
            if (result.IsCanceled)
                return;
            if (result.IsCompleted && !isHeld)
            {
                if (isTruncated)
                    throw new CometException(ErrorCode.ConnectionLost, "The connection ended in the middle of a frame.");
                return;
            }
            await handler.WaitUntilReadyAsync(cancellationToken);
        }
    }

    /// <summary>Handles what is there, for as long as the session can take it; returns what is left.</summary>
    private static (ReadOnlySequence<byte> Left, bool IsHeld) HandleAll(ReadOnlySequence<byte> buffer, IFrameHandler handler)
    {
        handler.BeginBurst();
        try
        {
            while (handler.IsReady)
            {
                if (!FrameDecoder.TryRead(ref buffer, handler.Limits, out var frame))
                    return (buffer, false);
                handler.Handle(frame);
            }
            return (buffer, true);
        }
        finally
        {
            handler.EndBurst();
        }
    }

    private static string DescribeBroker(string peer) =>
        $"What answers at {peer} does not speak the Comet protocol: check host and port, and whether one side uses TLS and the other "
        + "does not.";

    private static string DescribeClient(string peer, byte first) => first == TlsHandshake
        ? $"The client at {peer} speaks TLS, and this is a plain port: it must dial comet:// and not comets://, or a port that was given a "
            + "certificate."
        : $"What the client at {peer} sends is not the Comet protocol: it is no Comet client, or was given the wrong port.";

    private enum PrefaceMatch
    {
        Part,
        Whole,
        Other,
    }

    private static PrefaceMatch MatchPreface(in ReadOnlySequence<byte> buffer)
    {
        Span<byte> received = stackalloc byte[Preface.Length];
        var length = (int)Math.Min(buffer.Length, Preface.Length);
        buffer.Slice(0, length).CopyTo(received);
        if (!received[..length].SequenceEqual(Preface.Bytes[..length]))
            return PrefaceMatch.Other;
        return length == Preface.Length ? PrefaceMatch.Whole : PrefaceMatch.Part;
    }
}
