namespace Comet.Server.Broker;

/// <summary>Knows which messages are not to be delivered yet, or not at all. Dispatching leaves them out;
/// <see cref="Subscription.Release"/> brings each to each subscription when its time has come, unless the subscription has not come as far
/// by then.</summary>
internal interface IPendingOffsets
{
    /// <summary>Leaves out what is not to be delivered yet and stands directly before a subscription.</summary>
    void LeaveOut(Subscription subscription, long stableOffset);

    /// <summary>The first stretch of a range that may be delivered now; one that is empty (its first is behind its last) when there is
    /// none. What lies before it and is never to be delivered is skipped for the subscription.</summary>
    OffsetRange NextDeliverable(Subscription subscription, OffsetRange range);
}
