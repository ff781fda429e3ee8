using Comet.Journals.Control;

namespace Comet.Journals.Reading;

/// <summary>
/// The one thread of an open journal on which all its waiting readers wait. It sleeps on the word that writers change when somebody sleeps
/// (a futex), or, where that is not possible, looks again after a while. It ends when nobody has waited for some time.
/// </summary>
internal sealed class ReaderWaiter(JournalState state)
{
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ShortestPoll = TimeSpan.FromMilliseconds(0.25);
    private static readonly TimeSpan LongestPoll = TimeSpan.FromMilliseconds(8);

    private readonly Lock _gate = new();
    private readonly List<WaitingReader> _waiting = [];
    private readonly AutoResetEvent _work = new(false);
    private bool _isRunning;
    private bool _isIdle;

    private bool CanSleep => ReaderSleep.IsPossible(state);

    /// <summary>Has a reader looked after until it is ready. All that ends a wait happens under one lock: what a reader waits at may be
    /// unmapped as soon as its wait has ended.</summary>
    public void Add(WaitingReader reader)
    {
        lock (_gate)
        {
            if (!reader.IsWaiting)
                return;

            Start();
            if (reader.IsReady(lookForHoles: false))
                reader.Wake();
            else
                _waiting.Add(reader);
        }
    }

    public void Cancel(WaitingReader reader, CancellationToken token)
    {
        lock (_gate)
        {
            _ = _waiting.Remove(reader);
            reader.Fail(new OperationCanceledException(token));
        }
    }

    /// <summary>Has everybody who waits learn that the journal is closed.</summary>
    public void Stop()
    {
        state.WakeReaders();
        _work.Set();
    }

    private void Start()
    {
        if (!_isRunning)
        {
            state.Keep();
            _isRunning = true;
            new Thread(Run) { IsBackground = true, Name = "comet-journal-waiter" }.Start();
        }
        else if (_isIdle)
        {
            _isIdle = false;
            _work.Set();
        }
    }

    private void Run()
    {
        try
        {
            var poll = ShortestPoll;
            var fruitless = 0;
            var lastLook = TimeProvider.System.GetTimestamp();
            while (TryStayForWork())
            {
                var seen = CanSleep ? ReaderSleep.Announce(state.Control!) : 0;
                var woken = WakeReady(ref lastLook);
                if (woken == 0 && CanSleep)
                {
                    ReaderSleep.Pause();
                    woken = WakeReady(ref lastLook);
                }

                fruitless = woken == 0 ? fruitless + 1 : 0;
                poll = woken == 0 ? TimeSpan.FromTicks(Math.Min(LongestPoll.Ticks, 2 * poll.Ticks)) : ShortestPoll;
                if (woken > 0)
                    continue;
                if (CanSleep && fruitless < ReaderSleep.FruitlessWakes)
                {
                    if (!ReaderSleep.Sleep(state.Control!, seen))
                        fruitless = 0;
                }
                else
                {
                    _ = _work.WaitOne(CanSleep ? TimeSpan.FromMilliseconds(1) : poll);
                    fruitless = 0;
                }
            }
        }
        finally
        {
            state.Release();
        }
    }

    /// <summary>False, and the thread ends, when there has been nobody to wait for a while.</summary>
    private bool TryStayForWork()
    {
        var isOver = false;
        while (true)
        {
            lock (_gate)
            {
                _isIdle = false;
                if (_waiting.Count > 0)
                    return true;

                _isRunning = !isOver && !state.IsDisposed;
                if (!_isRunning)
                    return false;

                _isIdle = true;
            }

            isOver = !_work.WaitOne(Linger);
        }
    }

    private int WakeReady(ref long lastLook)
    {
        var lookForHoles = TimeProvider.System.GetElapsedTime(lastLook) >= ReaderSleep.Longest / 2;
        if (lookForHoles)
            lastLook = TimeProvider.System.GetTimestamp();
        var woken = 0;
        lock (_gate)
        {
            for (var i = _waiting.Count - 1; i >= 0; i--)
            {
                var reader = _waiting[i];
                try
                {
                    if (!reader.IsReady(lookForHoles))
                        continue;

                    reader.Wake();
                }
                catch (JournalException failed)
                {
                    reader.Fail(failed);
                }

                _waiting.RemoveAt(i);
                woken++;
            }
        }

        return woken;
    }
}
