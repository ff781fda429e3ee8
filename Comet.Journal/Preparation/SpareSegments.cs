using Comet.Journals.Background;

namespace Comet.Journals.Preparation;

/// <summary>Keeps a spare segment or two ready once the active one is filling up or its cycle is nearly over, so that going on to the next
/// one waits for no disk.</summary>
/// <param name="make">Makes one of a length.</param>
/// <param name="delete">Deletes the file of one that has been disposed.</param>
/// <param name="ahead">How many bytes of one are to be ready.</param>
/// <param name="background">Where it is made.</param>
internal sealed class SpareSegments(Func<long, SpareSegment> make, Action<string> delete, Func<long> ahead, IBackgroundQueue background)
    : IBackgroundWork
{
    private readonly Lock _making = new();
    private readonly Lock _gate = new();
    private readonly Queue<SpareSegment> _ready = new();
    private long _wantedLength;
    private int _wanted;
    private int _queued;
    private bool _closed;

    /// <summary>Has spares of a length made, unless there are so many.</summary>
    public void Request(long length, int count)
    {
        if (_ready.Count >= count || Interlocked.Exchange(ref _queued, 1) != 0)
            return;

        Volatile.Write(ref _wantedLength, length);
        Volatile.Write(ref _wanted, count);
        background.Queue(this);
    }

    /// <summary>A spare that is at least so long, waited for when one is being made right now and none is ready, or a new one.</summary>
    /// <exception cref="JournalException">There is no room.</exception>
    public SpareSegment Take(long length)
    {
        if (TryTake(length) is { } ready)
            return ready;
        lock (_making)
            return TryTake(length) ?? make(length);
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

    /// <summary>Keeps one at most: the writers are not that fast any more.</summary>
    public void Rest()
    {
        lock (_gate)
        {
            while (_ready.Count > 1)
                Drop(_ready.Dequeue());
        }
    }

    public void Run()
    {
        Volatile.Write(ref _queued, 0);
        while (TryMake() is { } spare)
        {
            // Whoever needs it may have it from now on; until then more of it is made ready.
            while (TryPrepare(spare))
            {
            }
        }
    }

    public void Close()
    {
        lock (_making)
        {
            lock (_gate)
            {
                _closed = true;
                while (_ready.TryDequeue(out var spare))
                    Drop(spare);
            }
        }
    }

    private SpareSegment? TryTake(long length)
    {
        lock (_gate)
        {
            while (_ready.TryDequeue(out var spare))
            {
                if (spare.Mapping.Length >= length)
                    return spare;
                Drop(spare);
            }

            return null;
        }
    }

    private SpareSegment? TryMake()
    {
        lock (_making)
        {
            lock (_gate)
            {
                if (_closed || _ready.Count >= Volatile.Read(ref _wanted))
                    return null;
            }

            try
            {
                var spare = make(Volatile.Read(ref _wantedLength));
                lock (_gate)
                    _ready.Enqueue(spare);
                return spare;
            }
            catch (JournalException)
            {
                // Whoever needs the segment makes it, and is told why that fails.
                return null;
            }
        }
    }

    private bool TryPrepare(SpareSegment spare)
    {
        lock (_gate)
            return _ready.Contains(spare) && spare.PrepareMore(ahead());
    }

    private void Drop(SpareSegment spare)
    {
        spare.Dispose();
        delete(spare.File.Path);
    }
}
