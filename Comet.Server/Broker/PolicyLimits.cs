namespace Comet.Server.Broker;

/// <summary>A topic's policy in the units of the core: microseconds and bytes, <see cref="long.MaxValue"/> for no limit.</summary>
internal sealed record PolicyLimits(
    bool YieldsToRoom, long MaxMessages, long MaxAge, long MaxBytes, long Ttl, long QuotaBytes, BacklogAction QuotaAction)
{
    // How late a limit on age may be noticed while nothing else happens: a timer for each batch would be one too many.
    private const long CoarsestStep = 1_000_000;
    private const long StepsPerLimit = 8;

    public static PolicyLimits From(TopicPolicy policy) => new(
        policy.Retention.YieldsToRoom,
        policy.Retention.MaxMessages ?? long.MaxValue,
        policy.Retention.MaxAge is { } age ? (long)age.TotalMicroseconds : long.MaxValue,
        policy.Retention.MaxBytes ?? long.MaxValue,
        policy.MessageTtl == Timeout.InfiniteTimeSpan ? long.MaxValue : (long)policy.MessageTtl.TotalMicroseconds,
        policy.BacklogQuota.MaxBytes,
        policy.BacklogQuota.Action);

    /// <summary>When to look for a message that is over its limit at <paramref name="due"/>: never before, and a little later, so that
    /// messages that follow each other closely share a timer.</summary>
    public static long TimerFor(long due, long limit)
    {
        var step = Math.Clamp(limit / StepsPerLimit, 1, CoarsestStep);
        return due > long.MaxValue - step ? long.MaxValue : (due + step - 1) / step * step;
    }
}
