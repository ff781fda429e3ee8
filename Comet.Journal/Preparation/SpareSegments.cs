using Comet.Journals.Background;

namespace Comet.Journals.Preparation;

/// <summary>Keeps one spare segment ready once the active one is filling up or its cycle is nearly over, so that going on to the next one
/// waits for no disk.</summary>
/// <param name="make">Makes one of a length.</param>
/// <param name="delete">Deletes the file of one that has been disposed.</param>
/// <param name="background">Where it is made.</param>
internal sealed class SpareSegments(Func<long, SpareSegment> make, Action<string> delete, IBackgroundQueue background) : IBackgroundWork
{
    private readonly Lock _gate = new();
    private SpareSegment? _spare;
    private long _wanted;
    private int _queued;
    private bool _closed;

    /// <summary>Has a spare of a length made, unless there is one.</summary>
    public void Request(long length)
    {
        if (Volatile.Read(ref _spare) is not null || Interlocked.Exchange(ref _queued, 1) != 0)
            return;

        Volatile.Write(ref _wanted, length);
        background.Queue(this);
    }

    /// <summary>A spare that is at least so long, waited for when it is being made right now, or a new one.</summary>
    /// <exception cref="JournalException">There is no room.</exception>
    public SpareSegment Take(long length)
    {
        lock (_gate)
        {
            var spare = _spare;
            _spare = null;
            if (spare is null || spare.Mapping.Length >= length)
                return spare ?? make(length);

            Drop(spare);
            return make(length);
        }
    }

    /// <summary>Takes one back that was not needed after all.</summary>
    public void Return(SpareSegment spare)
    {
        lock (_gate)
        {
            if (_spare is null && !_closed)
                _spare = spare;
            else
                Drop(spare);
        }
    }

    public void Run()
    {
        lock (_gate)
        {
            Volatile.Write(ref _queued, 0);
            if (_spare is not null || _closed)
                return;

            try
            {
                _spare = make(Volatile.Read(ref _wanted));
            }
            catch (JournalException)
            {
                // Whoever needs the segment makes it, and is told why that fails.
            }
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            if (_spare is { } spare)
                Drop(spare);
            _spare = null;
        }
    }

    private void Drop(SpareSegment spare)
    {
        spare.Dispose();
        delete(spare.File.Path);
    }
}
