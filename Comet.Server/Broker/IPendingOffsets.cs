using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>Knows which messages are not to be delivered yet. Dispatching leaves them out; <see cref="Subscription.Release"/> brings each
/// to each subscription when its time has come, unless the subscription has not come as far by then.</summary>
internal interface IPendingOffsets
{
    /// <summary>The first stretch of a range within a batch that may be delivered now; one that is empty (its first is behind its last)
    /// when there is none.</summary>
    OffsetRange NextDeliverable(in StoredBatch batch, OffsetRange range);
}
