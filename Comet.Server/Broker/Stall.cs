namespace Comet.Server.Broker;

/// <summary>A delivery that waited without a reason.</summary>
internal readonly record struct Stall(string Topic, int Partition, string Subscription, long Offset);
