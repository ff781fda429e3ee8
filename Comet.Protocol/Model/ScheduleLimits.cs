namespace Comet;

/// <summary>Limits of scheduled messages that client and broker share.</summary>
internal static class ScheduleLimits
{
    /// <summary>Ten years: longer than any system keeps its promises, and far from overflow.</summary>
    public static readonly TimeSpan MaxDelay = TimeSpan.FromDays(3653);

    public static readonly long MaxDelayMicroseconds = (long)MaxDelay.TotalMicroseconds;
}
