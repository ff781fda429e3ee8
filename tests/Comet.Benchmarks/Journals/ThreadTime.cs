using System.Runtime.InteropServices;

namespace Comet.Benchmarks.Journals;

/// <summary>The processor time of the calling thread: what neighbours take away does not count. Work that a log leaves to other threads
/// does not count either, so it is for comparing loops, not for quoting rates.</summary>
internal static partial class ThreadTime
{
    private const int ThreadClock = 3;

    /// <summary>Whether rates are taken by this clock instead of the one on the wall (<c>--cpu</c>).</summary>
    public static bool IsUsed { get; set; }

    public static double Seconds()
    {
        _ = GetTime(ThreadClock, out var time);
        return time.Seconds + (time.Nanoseconds / 1e9);
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, out TimeSpec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
