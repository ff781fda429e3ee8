using Comet.Journals.Background;

namespace Comet.Journals.Preparation;

/// <summary>Keeps spare segments ready once the active one is filling up or its cycle is nearly over, so that going on to the next one
/// waits for no disk. They are made, which waits for the disk, and had ready, which takes processor time, side by side.</summary>
internal sealed class SpareSegments
{
    // 4 MiB, a millisecond: flushes wait for the same threads.
    private const int StepsInARow = 16;

    private readonly object _gate = new();
    private readonly Queue<SpareSegment> _ready = new();
    private readonly Func<long, SpareSegment> _make;
    private readonly Action<string> _delete;
    private readonly Func<SpareGoal> _goal;
    private readonly SpareWork _making;
    private readonly SpareWork _preparing;
    private long _wantedLength;
    private int _wanted;
    private bool _isMaking;
    private bool _closed;

    /// <param name="make">Makes one of a length.</param>
    /// <param name="delete">Deletes the file of one that has been disposed.</param>
    /// <param name="goal">How much of one is to be ready.</param>
    /// <param name="background">Where it is made.</param>
    public SpareSegments(Func<long, SpareSegment> make, Action<string> delete, Func<SpareGoal> goal, IBackgroundQueue background)
    {
        _make = make;
        _delete = delete;
        _goal = goal;
        _making = new SpareWork(background, MakeWanted);
        _preparing = new SpareWork(background, PrepareSome);
    }

    /// <summary>Has spares of a length made, unless there are so many.</summary>
    public void Request(long length, int count)
    {
        if (_ready.Count >= count)
            return;

        Volatile.Write(ref _wantedLength, length);
        Volatile.Write(ref _wanted, count);
        _making.Queue();
    }

    /// <summary>A spare that is at least so long, waited for when one is being made right now and none is ready, or a new one.</summary>
    /// <exception cref="JournalException">There is no room.</exception>
    public SpareSegment Take(long length)
    {
        if (TryTake(length) is { } ready)
        {
            _preparing.Queue();
            return ready;
        }

        try
        {
            return _make(length);
        }
        finally
        {
            EndMaking(null);
        }
    }

    /// <summary>Takes one back that was not needed after all.</summary>
    public void Return(SpareSegment spare)
    {
        lock (_gate)
        {
            if (_ready.Count == 0 && !_closed)
                _ready.Enqueue(spare);
            else
                Drop(spare);
        }
    }

    /// <summary>Takes one back that may be a segment by now, or may not be written: it is used no more.</summary>
    public void Discard(SpareSegment spare) => Drop(spare);

    /// <summary>Keeps one at most, and its file alone: the writers are not that fast any more.</summary>
    public void Rest()
    {
        lock (_gate)
        {
            while (_ready.Count > 1)
                Drop(_ready.Dequeue());
            if (_ready.TryPeek(out var kept))
                kept.Forget();
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            while (_isMaking)
                Monitor.Wait(_gate);
            while (_ready.TryDequeue(out var spare))
                Drop(spare);
        }
    }

    /// <summary>One that is ready, or is once another thread has made it; null when the caller is to make one.</summary>
    private SpareSegment? TryTake(long length)
    {
        lock (_gate)
        {
            while (true)
            {
                if (TryDequeue(length) is { } ready)
                    return ready;
                if (!_isMaking)
                    break;
                Monitor.Wait(_gate);
            }

            _isMaking = true;
            return null;
        }
    }

    // The caller holds the gate.
    private SpareSegment? TryDequeue(long length)
    {
        while (_ready.TryDequeue(out var spare))
        {
            if (spare.Mapping.Length >= length)
            {
                spare.StopPreparing();
                return spare;
            }

            Drop(spare);
        }

        return null;
    }

    private void MakeWanted()
    {
        while (TryBeginMaking() is { } length)
        {
            SpareSegment? spare = null;
            try
            {
                spare = _make(length);
            }
            catch (JournalException)
            {
                // Whoever needs the segment makes it, and is told why that fails.
                return;
            }
            finally
            {
                EndMaking(spare);
            }

            // Whoever needs it may have it from now on; until then more of it is made ready.
            _preparing.Queue();
        }
    }

    private long? TryBeginMaking()
    {
        lock (_gate)
        {
            if (_closed || _isMaking || _ready.Count >= Volatile.Read(ref _wanted))
                return null;

            _isMaking = true;
            return Volatile.Read(ref _wantedLength);
        }
    }

    private void EndMaking(SpareSegment? made)
    {
        lock (_gate)
        {
            _isMaking = false;
            if (made is not null)
                _ready.Enqueue(made);
            Monitor.PulseAll(_gate);
        }
    }

    private void PrepareSome()
    {
        var steps = 0;
        while (FirstUnprepared() is { } spare)
        {
            while (spare.TryPrepare(_goal()))
            {
                if (++steps < StepsInARow)
                    continue;
                _preparing.Queue();
                return;
            }
        }
    }

    // The next one only: what the others need is known once they are next.
    private SpareSegment? FirstUnprepared()
    {
        lock (_gate)
            return _ready.TryPeek(out var spare) && !spare.IsPrepared(_goal()) ? spare : null;
    }

    private void Drop(SpareSegment spare)
    {
        spare.StopPreparing();
        spare.Dispose();
        _delete(spare.File.Path);
    }

    /// <summary>One thing to do in the background, asked for any number of times before it begins.</summary>
    private sealed class SpareWork(IBackgroundQueue background, Action run) : IBackgroundWork
    {
        private int _queued;

        public void Queue()
        {
            if (Interlocked.Exchange(ref _queued, 1) == 0)
                background.Queue(this);
        }

        public void Run()
        {
            Interlocked.Exchange(ref _queued, 0);
            run();
        }
    }
}
