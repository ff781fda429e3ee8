namespace Comet;

/// <summary>Times on the wire and in batches are whole microseconds since the Unix epoch: exact enough for
/// latency, and 64 bits reach 292,000 years.</summary>
internal static class UnixMicroseconds
{
    private const long EpochTicks = 621_355_968_000_000_000;
    private static readonly long Min = From(DateTimeOffset.MinValue);
    private static readonly long Max = From(DateTimeOffset.MaxValue);

    public static long From(DateTimeOffset time) => (time.UtcTicks - EpochTicks) / TimeSpan.TicksPerMicrosecond;

    public static long Now(TimeProvider time) => From(time.GetUtcNow());

    /// <summary>The time; a value from a hostile peer that no <see cref="DateTimeOffset"/> holds becomes the nearest that does.</summary>
    public static DateTimeOffset ToTime(long microseconds) =>
        new((Math.Clamp(microseconds, Min, Max) * TimeSpan.TicksPerMicrosecond) + EpochTicks, TimeSpan.Zero);
}
