using Comet.Transport;

namespace Comet.Client.Producing;

/// <summary>Sends an open batch a moment later, on another thread: what its program adds within that moment, some microseconds, goes
/// into the same batch. At most one is on its way.</summary>
/// <param name="flush">What to do then; takes the lock of its owner itself.</param>
/// <param name="engine">Where to run it; null: the thread pool.</param>
internal sealed class SoonFlush(Action flush, SynchronizationContext? engine) : IThreadPoolWorkItem
{
    private bool _isOnItsWay;

    /// <summary>Called under the owner's lock.</summary>
    public void Request()
    {
        if (_isOnItsWay)
            return;
        _isOnItsWay = true;
        if (engine is null)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            return;
        }
        using (EngineContext.Enter(engine))
        {
            _ = FlushSoonAsync();
        }
    }

    /// <summary>Called under the owner's lock, before what is open is sent.</summary>
    public void Arrived() => _isOnItsWay = false;

    void IThreadPoolWorkItem.Execute() => flush();

    private async Task FlushSoonAsync()
    {
        await Task.Yield();
        flush();
    }
}
