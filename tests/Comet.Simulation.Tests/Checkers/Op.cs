namespace Comet.Simulation.Tests.Checkers;

/// <summary>What happened. Only what is confirmed obliges anybody; what is unknown may have happened or not.</summary>
internal enum OpKind
{
    /// <summary>A producer gives a message away.</summary>
    Send,
    /// <summary>The broker confirmed it.</summary>
    SendConfirmed,
    /// <summary>Nobody knows whether it is stored.</summary>
    SendUnknown,
    /// <summary>A consumer took a delivery.</summary>
    Deliver,
    /// <summary>A consumer acks.</summary>
    Ack,
    /// <summary>The broker confirmed the ack.</summary>
    AckConfirmed,
    /// <summary>A consumer gives a message back.</summary>
    Nack,
    /// <summary>A consumer was told that a delivery is not its own any more; noted when it takes the message again.</summary>
    Lost,
    /// <summary>A subscription has given a message up.</summary>
    DeadLettered,
    /// <summary>A consumer is attached, for the first time or again.</summary>
    Attached,
    /// <summary>A consumer is not attached any more, as far as it knows.</summary>
    Detached,
    /// <summary>A subscription is being moved back to the beginning; from now on anything may come again.</summary>
    Seek,
    /// <summary>It has been moved, in all partitions.</summary>
    Sought,
    /// <summary>The broker's process has ended, with everything it kept in memory.</summary>
    BrokerLost,
    /// <summary>After all faults were healed the broker had nothing left to deliver.</summary>
    Drained,
    /// <summary>After all faults were healed something was left in a subscription for too long.</summary>
    NotDrained,
}

/// <summary>One row of a history. Fields that a kind does not need are empty.</summary>
/// <param name="Time">Microseconds of virtual time.</param>
/// <param name="Kind">What happened.</param>
internal readonly record struct Op(long Time, OpKind Kind)
{
    /// <summary>Who did it: a producer or a consumer.</summary>
    public string Actor { get; init; } = "";

    public string Topic { get; init; } = "";

    public string Subscription { get; init; } = "";

    public int Partition { get; init; }

    public long Offset { get; init; }

    /// <summary>The generation of the partition's log.</summary>
    public long Epoch { get; init; }

    /// <summary>Names the message: no other one has it. Values of one producer grow with each message.</summary>
    public long Value { get; init; }

    public string? Key { get; init; }

    /// <summary>For Deliver and DeadLettered: how often it was delivered by the broker's count; for Ack, Nack and Lost: which delivery
    /// it is about.</summary>
    public int Count { get; init; }

    /// <summary>For Send and Nack: not to be delivered before; for Deliver: when the consumer's lease on it ends. Zero: no such
    /// time.</summary>
    public long Due { get; init; }

    /// <summary>For what a consumer does: which of its attachments it was, counted from 1.</summary>
    public int Attachment { get; init; }

    /// <summary>For NotDrained: what was left.</summary>
    public string? Note { get; init; }

    public override string ToString() =>
        $"{Time / 1e6,12:0.000000} {Kind,-13} {Actor} {Subscription} {Topic}-{Partition}@{Offset} value {Value}"
        + (Key is null ? "" : $" key {Key}") + (Count == 0 ? "" : $" count {Count}") + (Due == 0 ? "" : $" due {Due / 1e6:0.000000}")
        + (Attachment == 0 ? "" : $" attachment {Attachment}") + (Note is null ? "" : $" {Note}");
}

/// <summary>Where a message stands in a log.</summary>
internal readonly record struct Place(string Topic, int Partition, long Epoch, long Offset)
{
    public static Place Of(in Op op) => new(op.Topic, op.Partition, op.Epoch, op.Offset);
}

/// <summary>What a subscription of a history promises.</summary>
/// <param name="Topic">Its topic.</param>
/// <param name="Name">Its name.</param>
/// <param name="Type">How its consumers share.</param>
/// <param name="MaxDeliveries">After so many a message is given up; 0: never.</param>
/// <param name="Ttl">After so many microseconds a message may expire; 0: never.</param>
internal sealed record SubscriptionFacts(
    string Topic, string Name, SubscriptionType Type, int MaxDeliveries = 0, long Ttl = 0);

/// <summary>All that happened, in order.</summary>
internal sealed class History
{
    private readonly List<Op> _ops = [];

    public IReadOnlyList<Op> Ops => _ops;

    /// <summary>The subscriptions, all of which existed from the first message on.</summary>
    public List<SubscriptionFacts> Subscriptions { get; init; } = [];

    public void Add(in Op op) => _ops.Add(op);

    public int CountOf(OpKind kind) => _ops.Count(op => op.Kind == kind);

    /// <summary>A checksum of all rows.</summary>
    public long Hash()
    {
        var hash = 1469598103934665603L;
        foreach (var op in _ops)
        {
            foreach (var character in op.ToString())
                hash = unchecked((hash ^ character) * 1099511628211);
        }
        return hash;
    }
}
