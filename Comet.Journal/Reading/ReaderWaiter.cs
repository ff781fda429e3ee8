using Comet.Journals.Control;

namespace Comet.Journals.Reading;

/// <summary>
/// The one thread of an open journal on which all its waiting readers wait. It sleeps on the word that writers change when somebody sleeps
/// (a futex), or, where that is not possible, looks again after a while. It ends when nobody has waited for some time.
/// </summary>
internal sealed unsafe class ReaderWaiter(JournalState state)
{
    // A writer that is killed after it published and before it woke anybody, or in the middle of an append, is noticed this late.
    private static readonly TimeSpan LongestSleep = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ShortestPoll = TimeSpan.FromMilliseconds(0.25);
    private static readonly TimeSpan LongestPoll = TimeSpan.FromMilliseconds(8);

    // Writers that go on behind one that was stopped in the middle wake readers for nothing.
    private const int FruitlessWakes = 16;
    private const int PauseSpins = 64;

    private readonly Lock _gate = new();
    private readonly List<WaitingReader> _waiting = [];
    private readonly AutoResetEvent _work = new(false);
    private bool _isRunning;
    private bool _isIdle;

    private bool CanSleep => state.Control is not null && Futex.IsSupported;

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
                var seen = Announce();
                var woken = WakeReady(ref lastLook);
                if (woken == 0 && CanSleep)
                {
                    // A store of a writer that has not been seen yet is seen after this pause: see ClaimCursor.Complete.
                    Thread.SpinWait(PauseSpins);
                    woken = WakeReady(ref lastLook);
                }

                fruitless = woken == 0 ? fruitless + 1 : 0;
                poll = woken == 0 ? TimeSpan.FromTicks(Math.Min(LongestPoll.Ticks, 2 * poll.Ticks)) : ShortestPoll;
                if (woken > 0)
                    continue;
                if (CanSleep && fruitless < FruitlessWakes)
                {
                    if (!Futex.Sleep(state.Control!.Wake, seen, LongestSleep))
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

    private int Announce()
    {
        if (!CanSleep)
            return 0;

        var seen = Volatile.Read(ref *state.Control!.Wake);
        Interlocked.Exchange(ref *state.Control.Waiters, 1);
        return seen;
    }

    private int WakeReady(ref long lastLook)
    {
        var lookForHoles = TimeProvider.System.GetElapsedTime(lastLook) >= LongestSleep / 2;
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
