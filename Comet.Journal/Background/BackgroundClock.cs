namespace Comet.Journals.Background;

/// <summary>One thread that hands work on when its time has come. It does none itself, so nothing is late because of other work.</summary>
internal sealed class BackgroundClock(IBackgroundQueue queue)
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(1);

    private readonly object _gate = new();
    private readonly PriorityQueue<IBackgroundWork, long> _later = new();
    private bool _runs;

    public void Add(IBackgroundWork work, TimeSpan delay)
    {
        var due = TimeProvider.System.GetTimestamp() + (long)(delay.TotalSeconds * TimeProvider.System.TimestampFrequency);
        lock (_gate)
        {
            var isFirst = !_later.TryPeek(out _, out var next) || due < next;
            _later.Enqueue(work, due);
            if (!_runs)
            {
                _runs = true;
                new Thread(Watch) { IsBackground = true, Name = "Comet.Journal clock" }.Start();
            }
            else if (isFirst)
                Monitor.Pulse(_gate);
        }
    }

    private void Watch()
    {
        lock (_gate)
        {
            while (true)
            {
                var now = TimeProvider.System.GetTimestamp();
                while (_later.TryPeek(out var work, out var due) && due <= now)
                {
                    _later.Dequeue();
                    queue.Queue(work);
                }

                if (!_later.TryPeek(out _, out var next))
                    Monitor.Wait(_gate);
                else if (TimeProvider.System.GetElapsedTime(now, next) is var pause)
                    Monitor.Wait(_gate, pause > ShortestPause ? pause : ShortestPause);
            }
        }
    }
}
