using System.Runtime.InteropServices;
using Comet.Wire;

namespace Comet.Server.Broker;

internal enum CommandKind
{
    AttachProducer,
    DetachProducer,
    Publish,
    AttachConsumer,
    DetachConsumer,
    CreateSubscription,
    CopySubscriptions,
    Unsubscribe,
    Seek,
    Schedule,
    Permits,
    Ack,
    Nack,
    ExtendLease,
    GiveUp,
    DeadLetterAnswered,
    Wake,
    ReportProgress,
    Describe,
    Explain,
    Trim,
    Rest,
    Saved,
    PointSaved,
    DelaysWritten,
    Shutdown,
    ChangePolicy,
    Delete,
    Committed,
    Fetched,
    StorageFailed,
}

/// <summary>What a partition is asked to do. One plain structure for all kinds, so that a queue of them allocates nothing.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PartitionCommand(CommandKind Kind)
{
    /// <summary>The request to answer; 0 when no answer is wanted.</summary>
    public ulong CorrelationId { get; init; }

    public Producer? Producer { get; init; }

    public Consumer? Consumer { get; init; }

    /// <summary>For <see cref="CommandKind.Publish"/>: a checked batch, valid until the command is handled.</summary>
    public ReadOnlyMemory<byte> Batch { get; init; }

    /// <summary>For <see cref="CommandKind.Publish"/>: the batch's header.</summary>
    public RecordBatchHeader Header { get; init; }

    /// <summary>The pooled array behind <see cref="Batch"/>, where the command had to wait; it is given back when it is handled.</summary>
    public byte[]? Rented { get; init; }

    /// <summary>Messages, a delay in microseconds (<see cref="GiveBackCause.ByPolicy"/>: what the subscription says), or for
    /// <see cref="CommandKind.Publish"/> what the batch follows.</summary>
    public long Number { get; init; }

    /// <summary>Bytes.</summary>
    public long Bytes { get; init; }

    public bool Cumulative { get; init; }

    /// <summary>Pairs of first and last offset.</summary>
    public long[]? Ranges { get; init; }

    /// <summary>Which delivery of <see cref="Ranges"/> is meant; 0 for the one that the consumer holds.</summary>
    public int DeliveryCount { get; init; }

    /// <summary>A request or collector that only one kind of command has.</summary>
    public object? Detail { get; init; }
}

/// <summary>What <see cref="CommandKind.AttachConsumer"/> asks for.</summary>
internal sealed record AttachRequest(string Subscription, SubscriptionType Type, SubscriptionKind Kind, StartPosition Start)
{
    public SubscriptionSettings Settings { get; init; } = new();
}

/// <summary>A request that comes from a client and not from a producer or consumer; <see cref="Peer"/> gets the answer.</summary>
internal record PeerRequest(IPeer Peer);

/// <summary>A request about a subscription, for example what <see cref="CommandKind.Unsubscribe"/> asks for.</summary>
internal record SubscriptionRequest(IPeer Peer, string Subscription) : PeerRequest(Peer);

/// <summary>What <see cref="CommandKind.CopySubscriptions"/> asks for: the durable subscriptions of this partition, as requests to create
/// them in another one from its first message on.</summary>
internal sealed record CopySubscriptionsRequest(IPeer Peer, Action<IReadOnlyList<CreateSubscriptionRequest>> Copy) : PeerRequest(Peer);

/// <summary>What <see cref="CommandKind.CreateSubscription"/> asks for.</summary>
internal sealed record CreateSubscriptionRequest(IPeer Peer, AttachRequest Subscribe, bool IfNotExists)
    : SubscriptionRequest(Peer, Subscribe.Subscription);

/// <summary>What <see cref="CommandKind.Seek"/> asks for.</summary>
internal sealed record SeekRequest(IPeer Peer, string Subscription, StartPosition Position) : SubscriptionRequest(Peer, Subscription);
