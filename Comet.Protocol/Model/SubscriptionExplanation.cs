using System.Globalization;

namespace Comet;

/// <summary>Why a subscription gets what it gets, and nothing else, at one moment.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Subscription">The subscription.</param>
/// <param name="Type">How its consumers share the messages.</param>
/// <param name="Partitions">One entry for each partition that has the subscription, in order.</param>
public sealed record SubscriptionExplanation(
    string Topic, string Subscription, SubscriptionType Type, IReadOnlyList<PartitionExplanation> Partitions)
{
    /// <summary>How many messages are not acked, over all partitions.</summary>
    public long Backlog => Partitions.Sum(static p => p.Backlog);
}

/// <summary>What a subscription waits for in one partition.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Backlog">How many messages are not acked.</param>
/// <param name="OldestUnackedOffset">The first that is not acked; null when all are.</param>
/// <param name="OldestUnackedAge">How long ago that one was stored, by the broker's clock.</param>
/// <param name="NextOffset">The message that would be delivered next, or else the first that is not acked; null when all are.</param>
/// <param name="Reason">Why it waits.</param>
/// <param name="Holder">The consumer that the reason names; null when it names none.</param>
/// <param name="Until">When the reason is over, by the broker's clock; null when that does not depend on time.</param>
/// <param name="Detail">What else the broker knows: why a dead letter is not taken, why producers are refused, or why the storage
/// failed; null mostly.</param>
/// <param name="Consumers">The consumers, in the order they attached.</param>
public sealed record PartitionExplanation(
    int Partition,
    long Backlog,
    long? OldestUnackedOffset,
    TimeSpan? OldestUnackedAge,
    long? NextOffset,
    WaitReason Reason,
    string? Holder,
    DateTimeOffset? Until,
    string? Detail,
    IReadOnlyList<ConsumerExplanation> Consumers)
{
    /// <summary>The reason as a sentence.</summary>
    public string Sentence => Reason switch
    {
        WaitReason.None => $"Message {NextOffset} is being delivered.",
        WaitReason.NothingToDeliver => "Everything that was published here is acked.",
        WaitReason.NoConsumer => $"Message {NextOffset} waits because no consumer is attached.",
        WaitReason.NoPermits => $"Message {NextOffset} waits because {Who("no consumer")} asks for more: what was sent is still in the "
            + "receive window of the program.",
        WaitReason.ConsumerNotReading => $"Message {NextOffset} waits because the connection of {Who("the consumer")} does not take "
            + "what is sent to it.",
        WaitReason.DelayedUntil => $"Message {NextOffset} is scheduled for {When}.",
        WaitReason.LeasedBy => $"Message {NextOffset} is with {Who("a consumer")}, which has not acked it"
            + (Until is null ? "; it has no lease that would end." : $"; its lease ends {When}."),
        WaitReason.KeyHeldBy => $"Message {NextOffset} waits because an earlier message of its key is with {Who("another consumer")}.",
        WaitReason.BackOffUntil => $"Message {NextOffset} was given back and comes again {When}.",
        WaitReason.MaxOutstanding => $"Message {NextOffset} waits because the subscription has as many messages delivered and not acked as "
            + "it may have.",
        WaitReason.QuotaRefusesProducers => "Everything that was published here is acked, and producers are refused"
            + (Detail is null ? "." : $": {Detail}"),
        WaitReason.StorageFailed => "The partition is offline: its storage failed." + (Detail is null ? "" : $" {Detail}"),
        WaitReason.DeadLetterWaiting => $"Message {NextOffset} is on its way to the dead-letter topic"
            + (Detail is null ? "." : $", which does not take it: {Detail}"),
        WaitReason.NotYetDurable => $"Message {NextOffset} is stored and becomes durable now.",
        _ => $"Message {NextOffset} waits for a reason that this client does not know ({(int)Reason}).",
    };

    /// <summary>What to do about it; null when there is nothing to do but wait.</summary>
    public string? Advice => Reason switch
    {
        WaitReason.NothingToDeliver => "Does the producer send to this topic, and are its messages confirmed? 'comet topic describe' shows "
            + "how many have arrived.",
        WaitReason.NoConsumer => "Start a consumer of this topic and subscription. If one runs, compare the names, and look at its State.",
        WaitReason.NoPermits => "Look for a handler that is slow or stuck, or a stream that is not read. Add consumers, or raise "
            + "ReceiveWindowMessages and ReceiveWindowBytes.",
        WaitReason.ConsumerNotReading => "Its process or the network is too slow, or stopped: a connection that is silent for three "
            + "heartbeats is ended, and its messages go to others.",
        WaitReason.LeasedBy => "The program has it. If it is done, it must call AckAsync, or NackAsync to get it again.",
        WaitReason.KeyHeldBy => "The other consumer must ack what it has of this key, or its lease must end.",
        WaitReason.BackOffUntil => "A handler failed, or the program gave it back: its log tells why.",
        WaitReason.MaxOutstanding => "Ack what is handled; consumers that hold much are listed below. The limit is the broker's "
            + "MaxOutstandingMessages.",
        WaitReason.QuotaRefusesProducers => "'comet topic describe' shows whose backlog it is: consume it, delete that subscription, or "
            + "raise the limit.",
        WaitReason.StorageFailed => "It does not come back by itself: look at the disk, and start the broker again, which recovers what "
            + "was confirmed. Damaged files are named by 'comet journal verify'; 'comet restore' makes the data anew from a backup.",
        WaitReason.DeadLetterWaiting => "It is tried again by itself, and the message is not lost. If this lasts, look at the dead-letter "
            + "topic: it may be full.",
        _ => null,
    };

    private string When => Until is { } until
        ? $"at {until.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)}"
        : "at a time that is not known";

    private string Who(string nobody) => Holder is null ? nobody : $"'{Holder}'";
}

/// <summary>A consumer of a subscription in one partition.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsActive">Whether it may get messages: on a Failover subscription only one of them may.</param>
/// <param name="IsReading">Whether its connection takes what is sent to it.</param>
/// <param name="Permits">How many more messages it asks for.</param>
/// <param name="PermitBytes">How many more bytes it asks for.</param>
/// <param name="Unacked">How many messages it holds.</param>
/// <param name="LastDispatchedOffset">What it was sent last; null: nothing yet.</param>
public sealed record ConsumerExplanation(
    string Name, bool IsActive, bool IsReading, long Permits, long PermitBytes, long Unacked, long? LastDispatchedOffset);
