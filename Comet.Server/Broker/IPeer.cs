using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>A client's connection as the broker core sees it. Sending never blocks and never throws; what a dead connection is sent
/// goes nowhere.</summary>
internal interface IPeer
{
    /// <summary>Whether deliveries may be made. Answers are always taken; a client has only so many requests in flight.</summary>
    bool HasSpace { get; }

    /// <summary>Sends a frame; the payload is copied before the call returns.</summary>
    void Send<TFrame>(in TFrame frame, ulong correlationId = 0, ReadOnlyMemory<byte> payload = default)
        where TFrame : struct, IFrame<TFrame>;

    /// <summary>Tells that a publish of so many bytes is answered: the session takes only so many unanswered bytes.</summary>
    void PublishAnswered(int bytes);

    /// <summary>Asks, when a publish was carried out by who has posted it, whether he makes the commit himself when he has nothing else to
    /// do: by <see cref="PartitionActor.CommitHere"/> or <see cref="PartitionActor.CommitLater"/>, one of which has to follow.</summary>
    bool TakesCommit(PartitionActor partition) => false;

    /// <summary>Tells that the partition has refused or detached a producer and does not know it any more.</summary>
    void Forget(Producer producer);

    /// <summary>Tells that the partition has refused or detached a consumer and does not know it any more.</summary>
    void Forget(Consumer consumer);
}

internal static class PeerExtensions
{
    public static void Fail(this IPeer peer, ulong correlationId, ErrorCode code, string message) =>
        peer.Send(new ErrorFrame(code, message, null), correlationId);

    /// <summary>Answers a request that need not be answered: correlation id 0 asks for no answer.</summary>
    public static void Confirm(this IPeer peer, ulong correlationId)
    {
        if (correlationId != 0)
            peer.Send(default(OkFrame), correlationId);
    }
}
