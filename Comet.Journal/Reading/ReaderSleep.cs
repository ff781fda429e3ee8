using Comet.Journals.Control;

namespace Comet.Journals.Reading;

/// <summary>How a thread falls asleep until writers of any process publish something: it says that somebody sleeps, looks, pauses, looks
/// again, and sleeps on the word that writers change then.</summary>
internal static unsafe class ReaderSleep
{
    /// <summary>A writer that is killed after it published and before it woke anybody, or in the middle of an append, is noticed this
    /// late.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(40);

    /// <summary>Writers that go on behind one that was stopped in the middle wake readers for nothing: after so many times in a row a
    /// reader looks again in a millisecond instead.</summary>
    public const int FruitlessWakes = 16;

    private const int PauseSpins = 64;

    /// <summary>Whether a thread can sleep on a word: where there is none that writers change, it has to look again.</summary>
    public static bool IsPossible(JournalState state) => state.Control is not null && Futex.IsSupported;

    /// <summary>Says that somebody sleeps, and what the word was before.</summary>
    public static int Announce(ControlFile control)
    {
        var seen = Volatile.Read(ref *control.Wake);
        Interlocked.Exchange(ref *control.Waiters, 1);
        return seen;
    }

    /// <summary>To be done between two looks: a store of a writer that has not been seen yet is seen after this, see
    /// <see cref="ClaimCursor.Complete"/>.</summary>
    public static void Pause() => Thread.SpinWait(PauseSpins);

    /// <summary>Sleeps unless the word has changed; false when nobody woke it.</summary>
    public static bool Sleep(ControlFile control, int seen) => Futex.Sleep(control.Wake, seen, Longest);
}
