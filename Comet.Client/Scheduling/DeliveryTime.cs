namespace Comet.Client.Scheduling;

/// <summary>From the times that users give to those that records carry.</summary>
internal static class DeliveryTime
{
    /// <summary>A time so long from now.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.InvalidArgument"/>: longer than a message may wait.</exception>
    public static DateTimeOffset In(TimeSpan delay, TimeProvider time) => delay <= ScheduleLimits.MaxDelay
        ? time.GetUtcNow() + (delay > TimeSpan.Zero ? delay : TimeSpan.Zero)
        : throw TooFar(delay);

    /// <summary>Rounded up to the microsecond, so that nothing is early.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.InvalidArgument"/>: longer than a message may wait.</exception>
    public static long ToRecord(DateTimeOffset deliverAt, long now)
    {
        var due = UnixMicroseconds.From(deliverAt);
        if (deliverAt.UtcTicks % TimeSpan.TicksPerMicrosecond != 0)
            due++;
        return due - now <= ScheduleLimits.MaxDelayMicroseconds ? due : throw TooFar(TimeSpan.FromMicroseconds(due - now));
    }

    private static CometException TooFar(TimeSpan delay) => new(ErrorCode.InvalidArgument,
        $"A message was to wait {delay.TotalDays:0.#} days; the longest is {ScheduleLimits.MaxDelay.TotalDays:0} days.");
}
