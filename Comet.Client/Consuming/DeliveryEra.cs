using Comet.Wire;

namespace Comet.Client.Consuming;

/// <summary>The time in which offsets and acks of a partition mean the same: it changes with the broker's log, and when the subscription is
/// moved or made anew.</summary>
internal sealed class DeliveryEra
{
    private long _generation;

    /// <summary>Counts the eras.</summary>
    public long Number { get; private set; }

    /// <summary>The generation of the partition's owner; -1 before the first attachment.</summary>
    public long Epoch { get; private set; } = -1;

    /// <summary>Whether it was attached before.</summary>
    public bool HasBegun => Epoch >= 0;

    /// <summary>It is attached (again); what that means for what was delivered before.</summary>
    public EraChange Attach(in SubscribedFrame subscribed)
    {
        var change = !HasBegun ? EraChange.None
            : Epoch != subscribed.OwnershipEpoch ? EraChange.OtherLog
            : _generation != subscribed.Generation ? EraChange.Moved : EraChange.None;
        (Epoch, _generation) = (subscribed.OwnershipEpoch, subscribed.Generation);
        if (change != EraChange.None)
            Number++;
        return change;
    }
}

internal enum EraChange
{
    None,

    /// <summary>The broker has lost its memory, and offsets mean other messages now.</summary>
    OtherLog,

    /// <summary>The subscription was moved, which is to bring messages again, or was made anew.</summary>
    Moved,
}
