using System.Runtime.InteropServices;
using Comet.Journals.FileSystem;

namespace Comet.Journals.Control;

/// <summary>Sleeping on a word that processes share, until somebody changes it. Only Linux has it; elsewhere waiters look again and
/// again.</summary>
internal static unsafe class Futex
{
    // Without the private flag: the word is found by its page, not by its address.
    private const int Wait = 0;
    private const int Wake = 1;

    public static bool IsSupported { get; } = OperatingSystem.IsLinux();

    /// <summary>Changes the word and wakes everybody who sleeps on it.</summary>
    public static void WakeAll(int* word)
    {
        Interlocked.Increment(ref *word);
        if (IsSupported)
            _ = LinuxNative.Futex(word, Wake, int.MaxValue, null);
    }

    /// <summary>Sleeps while the word has a value, but not longer than a time. False when the time is over; may return early.</summary>
    public static bool Sleep(int* word, int value, TimeSpan atMost)
    {
        var time = new LinuxNative.TimeSpec
        {
            Seconds = (long)atMost.TotalSeconds,
            Nanoseconds = atMost.Ticks % TimeSpan.TicksPerSecond * 100
        };
        return LinuxNative.Futex(word, Wait, value, &time) == 0 || Marshal.GetLastPInvokeError() != LinuxNative.TimedOut;
    }
}
