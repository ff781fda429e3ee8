namespace Comet.Server.Broker;

/// <summary>Where a message stands that a subscription is occupied with.</summary>
internal enum MessageStage
{
    /// <summary>Never delivered, or acked: nothing is remembered of it.</summary>
    None,

    /// <summary>Delivered, and not acked or given back.</summary>
    InFlight,

    /// <summary>Given back, to be delivered again at the next occasion.</summary>
    Waiting,

    /// <summary>Given back, to be delivered again when its delay is over.</summary>
    Delayed,

    /// <summary>Was left out because it was not yet to be delivered, and is to be now: its first delivery comes.</summary>
    Released,

    /// <summary>Delivered too often; on its way to the dead-letter topic.</summary>
    DeadLettering,
}

/// <summary>All that a subscription remembers of a message that is not acked, in eight bytes. Two deliveries of one message are never
/// equal, so who kept the state of one can tell whether it is still the one that counts.</summary>
/// <remarks>From the lowest bit: stage 3, key slot 12, consumer 20, delivery count 20, lease 9.</remarks>
internal readonly record struct MessageState(ulong Bits)
{
    /// <summary>A count stays at this when it is reached.</summary>
    public const int MaxDeliveryCount = (1 << 20) - 1;

    public const int MaxConsumers = 1 << 20;

    private const int SlotShift = 3;
    private const int ConsumerShift = 15;
    private const int CountShift = 35;
    private const int LeaseShift = 55;
    private const ulong StageMask = 7;
    private const ulong SlotMask = 0xFFF;
    private const ulong NumberMask = 0xFFFFF;

    public MessageStage Stage => (MessageStage)(Bits & StageMask);

    /// <summary>The hash slot of the message's key, where the subscription goes by keys; 0 elsewhere.</summary>
    public int KeySlot => (int)(Bits >> SlotShift & SlotMask);

    /// <summary>The number of the consumer that holds it, within the subscription.</summary>
    public int Consumer => (int)(Bits >> ConsumerShift & NumberMask);

    /// <summary>How often it was delivered.</summary>
    public int DeliveryCount => (int)(Bits >> CountShift & NumberMask);

    public static MessageState InFlight(int consumer, int deliveryCount, int keySlot = 0) => new(
        (ulong)MessageStage.InFlight | (ulong)keySlot << SlotShift | (ulong)consumer << ConsumerShift
        | (ulong)Math.Min(deliveryCount, MaxDeliveryCount) << CountShift);

    /// <summary>The same message, not held by anybody.</summary>
    public MessageState As(MessageStage stage) => new(
        (ulong)stage | (Bits & (SlotMask << SlotShift)) | (Bits & (NumberMask << CountShift)));

    /// <summary>The same delivery under a new lease.</summary>
    public MessageState WithNextLease() => new(Bits + (1UL << LeaseShift));

    /// <summary>The same without the slot, to compare messages of different keys.</summary>
    public MessageState WithoutKeySlot() => new(Bits & ~(SlotMask << SlotShift));
}
