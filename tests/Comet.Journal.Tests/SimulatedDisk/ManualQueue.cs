using Comet.Journals.Background;

namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>Background work that is done when a test says so, on its thread.</summary>
internal sealed class ManualQueue : IBackgroundQueue
{
    private readonly Queue<IBackgroundWork> _ready = new();
    private readonly Queue<IBackgroundWork> _later = new();

    public void Queue(IBackgroundWork work) => _ready.Enqueue(work);

    public void QueueAfter(IBackgroundWork work, TimeSpan delay) => _later.Enqueue(work);

    /// <summary>Does what was queued; what puts itself off is not done again before the next call.</summary>
    /// <param name="isLater">Whether the time of what was put off has come, too.</param>
    public void Run(bool isLater)
    {
        for (var count = isLater ? _later.Count : 0; count > 0; count--)
            _ready.Enqueue(_later.Dequeue());
        while (_ready.TryDequeue(out var work))
            work.Run();
    }
}
