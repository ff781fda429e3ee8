using Comet.Journals.Reading;

namespace Comet.Journals;

public sealed partial class JournalReader
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestPoll = TimeSpan.FromMilliseconds(8);

    /// <summary>Waits until there is a next record, asleep on this thread: a writer in any process wakes the thread itself, which is the
    /// shortest way for one that has nothing else to do. Where the system has no futex, and in a journal that is only read, it looks
    /// again every few milliseconds instead.</summary>
    /// <param name="cancellationToken">Ends the wait; the reader stays where it is and can be used again.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The journal was closed, here, before or during the wait.</exception>
    /// <exception cref="JournalException">What is there is not what was written.</exception>
    public void Wait(CancellationToken cancellationToken = default)
    {
        if (TryPeek())
            return;
        if (!ReaderSleep.IsPossible(_state))
        {
            LookNowAndThen(cancellationToken);
            return;
        }

        using var waking = cancellationToken.UnsafeRegister(static state => ((Control.JournalState)state!).WakeReaders(), _state);
        var fruitless = 0;
        while (!TryFallAsleep(ref fruitless, cancellationToken))
        {
            if (fruitless < ReaderSleep.FruitlessWakes)
                continue;

            _ = cancellationToken.WaitHandle.WaitOne(LookAgain);
            fruitless = 0;
        }
    }

    /// <summary>Sleeps once, and counts how often in a row it was woken; true when there is a record instead.</summary>
    private bool TryFallAsleep(ref int fruitless, CancellationToken cancellationToken)
    {
        var control = _state.Control!;
        var seen = ReaderSleep.Announce(control);
        if (TryPeek())
            return true;

        // Behind the look at the word: who cancels from now on changes it.
        cancellationToken.ThrowIfCancellationRequested();
        ReaderSleep.Pause();
        if (TryPeek())
            return true;

        fruitless = ReaderSleep.Sleep(control, seen) ? fruitless + 1 : 0;
        return false;
    }

    private void LookNowAndThen(CancellationToken cancellationToken)
    {
        for (var pause = LookAgain; !TryPeek(); pause = pause < LongestPoll ? 2 * pause : LongestPoll)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _ = cancellationToken.WaitHandle.WaitOne(pause);
        }
    }
}
