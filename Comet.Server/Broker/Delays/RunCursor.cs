using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>A place in a run: what lies before it is over. The next entries are in memory, a block of them at a time.</summary>
internal sealed class RunCursor
{
    // 4 KiB.
    private const int Window = 255;

    private readonly DueOffset[] _window = new DueOffset[Window];
    private long _next;
    private int _at;
    private int _count;

    /// <param name="run">The run.</param>
    /// <param name="due">All that is due before this time is over.</param>
    public RunCursor(IDelayRun run, long due)
    {
        (Run, _next) = (run, run.IndexOf(due));
        Fill();
    }

    public IDelayRun Run { get; }

    /// <summary>When the next entry is due; <see cref="long.MaxValue"/> when all are over.</summary>
    public long NextDue => _at < _count ? _window[_at].Due : long.MaxValue;

    public bool TryPeek(long now, out DueOffset entry)
    {
        entry = _at < _count ? _window[_at] : default;
        return _at < _count && entry.Due <= now;
    }

    /// <summary>The next entry is over.</summary>
    public void Take()
    {
        if (++_at == _count)
            Fill();
    }

    private void Fill()
    {
        (_at, _count) = (0, Run.Read(_next, _window));
        _next += _count;
    }
}
