namespace Comet.Journals.Background;

/// <summary>Something to be done on a thread of its own. It throws nothing.</summary>
internal interface IBackgroundWork
{
    void Run();
}

/// <summary>Has work done soon, or after a time. A simulation gives its own.</summary>
internal interface IBackgroundQueue
{
    void Queue(IBackgroundWork work);

    void QueueAfter(IBackgroundWork work, TimeSpan delay);
}
