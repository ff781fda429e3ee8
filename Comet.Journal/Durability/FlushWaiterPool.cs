namespace Comet.Journals.Durability;

/// <summary>Waiters that are not in use; a few are kept.</summary>
internal sealed class FlushWaiterPool
{
    private const int MaxKept = 1024;

    private readonly Lock _gate = new();
    private readonly Stack<FlushWaiter> _kept = new();

    public FlushWaiter Take()
    {
        lock (_gate)
        {
            if (_kept.TryPop(out var waiter))
                return waiter;
        }

        return new FlushWaiter(this);
    }

    public void Return(FlushWaiter waiter)
    {
        lock (_gate)
        {
            if (_kept.Count < MaxKept)
                _kept.Push(waiter);
        }
    }
}
