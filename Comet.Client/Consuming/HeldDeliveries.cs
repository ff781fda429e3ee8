namespace Comet.Client.Consuming;

/// <summary>Deliveries that are given back, given up or extended. The broker leaves those alone that are not the consumer's any more, also
/// when it has got the same messages again meanwhile: that is another delivery, with another count.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Ranges">Pairs of first and last offset.</param>
/// <param name="DeliveryCount">How often each was delivered, this time included.</param>
/// <param name="Generation">The attachment that delivered them.</param>
internal readonly record struct HeldDeliveries(PartitionConsumer Partition, long[] Ranges, int DeliveryCount, int Generation);
