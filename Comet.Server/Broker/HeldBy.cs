namespace Comet.Server.Broker;

/// <summary>Whose deliveries are meant.</summary>
/// <param name="Consumer">Who holds them.</param>
/// <param name="DeliveryCount">Which delivery of each message; 0 for the one that is held. A consumer that was given a message again, after
/// its lease was over, may still speak of an earlier one.</param>
internal readonly record struct HeldBy(Consumer Consumer, int DeliveryCount = 0);
