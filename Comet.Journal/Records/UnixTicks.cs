namespace Comet.Journals.Records;

/// <summary>Times on disk: units of 100 ns since 1970-01-01 UTC.</summary>
internal static class UnixTicks
{
    public static long Of(DateTimeOffset time) => time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;

    public static DateTimeOffset ToTime(long ticks) => new(ticks + DateTimeOffset.UnixEpoch.Ticks, TimeSpan.Zero);
}
