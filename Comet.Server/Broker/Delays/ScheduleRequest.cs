using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>What <see cref="CommandKind.Schedule"/> asks for.</summary>
internal abstract record ScheduleRequest(IPeer Peer);

/// <summary>Cancel one message, or all of a key.</summary>
internal sealed record CancelRequest(IPeer Peer, long Offset, string? Key) : ScheduleRequest(Peer);

/// <summary>Move one message to another time.</summary>
internal sealed record RescheduleRequest(IPeer Peer, long Offset, long DeliverAt) : ScheduleRequest(Peer);

/// <summary>Count what waits.</summary>
internal sealed record CountRequest(IPeer Peer, string? Key, long From, long To) : ScheduleRequest(Peer);

/// <summary>List what waits.</summary>
internal sealed record ListRequest(IPeer Peer, ListScheduledFrame Frame) : ScheduleRequest(Peer);
