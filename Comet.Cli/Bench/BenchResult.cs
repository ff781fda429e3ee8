namespace Comet.Cli.Bench;

/// <summary>One result. Rates are over all repetitions, latencies over all messages, CPU seconds are per million messages.</summary>
internal sealed record BenchResult
{
    public required string Scenario { get; init; }

    public int Size { get; init; }

    public long Messages { get; init; }

    public int Repetitions { get; init; } = 1;

    public double? RateMedian { get; init; }

    public double? RateMin { get; init; }

    public double? RateMax { get; init; }

    public double? MegabytesPerSecond { get; init; }

    public double? P50Microseconds { get; init; }

    public double? P99Microseconds { get; init; }

    /// <summary>The median over the bare TCP ping-pong's median of the same run.</summary>
    public double? TimesPingPong { get; init; }

    /// <summary>The median over what a durable confirm cannot do without, as measured in the same run: a bare append with its flush, and
    /// one and a half TCP ping-pongs.</summary>
    public double? TimesAppend { get; init; }

    /// <summary>The most memory that the broker had resident, in MB, since it began.</summary>
    public double? BrokerPeakMegabytes { get; init; }

    /// <summary>The median rate over that of plain publishing in the same run.</summary>
    public double? TimesPublish { get; init; }

    /// <summary>The median rate of a key-shared subscription over that of a shared one in the same run.</summary>
    public double? TimesShared { get; init; }

    /// <summary>The 99th percentile over that of the runtime's timers in the same run.</summary>
    public double? TimesTimer { get; init; }

    public double? ClientCpuSecondsPerMillion { get; init; }

    public double? BrokerCpuSecondsPerMillion { get; init; }

    public string ToText()
    {
        var parts = new List<string> { $"{Scenario,-16} {Size,5} B" };
        if (RateMedian is { } rate)
            parts.Add(FormattableString.Invariant(
                $"{rate,11:N0} msg/s (min {RateMin:N0}, max {RateMax:N0}), {MegabytesPerSecond:N0} MB/s"));
        if (P50Microseconds is { } p50)
            parts.Add(FormattableString.Invariant($"p50 {p50:N1} µs, p99 {P99Microseconds:N1} µs"));
        if (TimesPingPong is { } times)
            parts.Add(FormattableString.Invariant($"{times:N2} x ping-pong"));
        if (TimesAppend is { } append)
            parts.Add(FormattableString.Invariant($"{append:N2} x (append + 1.5 ping-pongs)"));
        if (BrokerPeakMegabytes is { } peak)
            parts.Add(FormattableString.Invariant($"broker's memory at most {peak:N0} MB"));
        if (TimesPublish is { } publish)
            parts.Add(FormattableString.Invariant($"{publish:N2} x publish"));
        if (TimesShared is { } shared)
            parts.Add(FormattableString.Invariant($"{shared:N2} x shared"));
        if (TimesTimer is { } timer)
            parts.Add(FormattableString.Invariant($"p99 {timer:N2} x timer"));
        if (ClientCpuSecondsPerMillion is { } client)
            parts.Add(FormattableString.Invariant($"CPU s/M: client {client:N2}")
                + (BrokerCpuSecondsPerMillion is { } broker ? FormattableString.Invariant($", broker {broker:N2}") : ""));
        return string.Join("  ", parts);
    }
}
