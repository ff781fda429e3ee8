using System.Runtime.CompilerServices;
using Comet.Journals.FileSystem;

namespace Comet.Journals.Records;

/// <summary>Timestamps for one writer. The system's clock costs 22 ns, as much as the rest of a small append; its coarse form 5 ns, but it
/// moves every 4 ms only. So the exact clock is read for each record while they are few, and for each 16th within a burst: more than 256
/// within one coarse tick.</summary>
internal sealed unsafe class JournalClock(TimeProvider time)
{
    private const int CoarseClock = 5;
    private const int BurstAfter = 256;
    private const int ExactEvery = 16;

    private static readonly bool HasCoarse = OperatingSystem.IsLinux();

    private readonly bool _coarse = HasCoarse && ReferenceEquals(time, TimeProvider.System);
    private long _tick;
    private long _last;
    private int _count;

    /// <summary>Now, in <see cref="UnixTicks"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Now()
    {
        if (!_coarse)
            return UnixTicks.Of(time.GetUtcNow());

        LinuxNative.TimeSpec now;
        _ = LinuxNative.ClockTime(CoarseClock, &now);
        if (now.Nanoseconds == _tick && ++_count > BurstAfter && (_count & (ExactEvery - 1)) != 0)
            return _last;
        return Exact(now.Nanoseconds);
    }

    private long Exact(long tick)
    {
        if (tick != _tick)
            (_tick, _count) = (tick, 0);
        return _last = UnixTicks.Of(time.GetUtcNow());
    }
}
