using System.Globalization;
using Comet.Journals.Records;

namespace Comet.Journals;

/// <summary>When a journal begins a new segment, beside when the current one is full. Cycles begin at round times of UTC.</summary>
public sealed record RollCycle
{
    private enum Kind
    {
        None = 0,
        Fixed = 1,
        Month = 2
    }

    private readonly Kind _kind;
    private readonly long _ticks;

    private RollCycle(Kind kind, TimeSpan length)
    {
        _kind = kind;
        _ticks = length.Ticks;
    }

    /// <summary>Only when a segment is full.</summary>
    public static RollCycle BySize { get; } = new(Kind.None, TimeSpan.Zero);

    /// <summary>Every second.</summary>
    public static RollCycle Second { get; } = new(Kind.Fixed, TimeSpan.FromSeconds(1));

    /// <summary>Every minute.</summary>
    public static RollCycle Minute { get; } = new(Kind.Fixed, TimeSpan.FromMinutes(1));

    /// <summary>Every five minutes.</summary>
    public static RollCycle FiveMinutes { get; } = new(Kind.Fixed, TimeSpan.FromMinutes(5));

    /// <summary>Every hour.</summary>
    public static RollCycle Hour { get; } = new(Kind.Fixed, TimeSpan.FromHours(1));

    /// <summary>Every day.</summary>
    public static RollCycle Day { get; } = new(Kind.Fixed, TimeSpan.FromDays(1));

    /// <summary>On the first day of every month.</summary>
    public static RollCycle Month { get; } = new(Kind.Month, TimeSpan.Zero);

    /// <summary>Every so often, counted from 1970-01-01 UTC. From one second to 366 days, in whole seconds.</summary>
    /// <param name="length">How long a cycle is.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is out of its range.</exception>
    public static RollCycle Every(TimeSpan length) =>
        length >= TimeSpan.FromSeconds(1) && length <= TimeSpan.FromDays(366) && length.Ticks % TimeSpan.TicksPerSecond == 0
            ? new RollCycle(Kind.Fixed, length)
            : throw new ArgumentOutOfRangeException(nameof(length), length,
                $"The length of a roll cycle is {length}; it must be from one second to 366 days, in whole seconds.");

    /// <inheritdoc />
    public override string ToString() => _kind switch
    {
        Kind.None => "by size",
        Kind.Month => "month",
        _ => string.Create(CultureInfo.InvariantCulture, $"every {TimeSpan.FromTicks(_ticks):c}")
    };

    /// <summary>The number and the length that stand in the metadata.</summary>
    internal (int Kind, long Ticks) ToStored() => ((int)_kind, _ticks);

    /// <summary>The cycle of a number and a length from the metadata; null when this release does not know it.</summary>
    internal static RollCycle? FromStored(int kind, long ticks) => kind switch
    {
        (int)Kind.None => BySize,
        (int)Kind.Month => Month,
        (int)Kind.Fixed when ticks >= TimeSpan.TicksPerSecond => new RollCycle(Kind.Fixed, TimeSpan.FromTicks(ticks)),
        _ => null
    };

    /// <summary>The cycle a time (in <see cref="UnixTicks"/>) is in: its start and the start of the next one.</summary>
    internal (long Start, long End) Around(long time)
    {
        if (_kind == Kind.None)
            return (time - Modulo(time, TimeSpan.TicksPerSecond), long.MaxValue);

        if (_kind == Kind.Fixed)
        {
            var start = time - Modulo(time, _ticks);
            return (start, start + _ticks);
        }

        var utc = UnixTicks.ToTime(time);
        var month = new DateTimeOffset(utc.Year, utc.Month, 1, 0, 0, 0, TimeSpan.Zero);
        return (UnixTicks.Of(month), UnixTicks.Of(month.AddMonths(1)));
    }

    private static long Modulo(long value, long unit) => ((value % unit) + unit) % unit;
}
