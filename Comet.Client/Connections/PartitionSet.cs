namespace Comet.Client.Connections;

/// <summary>The partitions of a producer or consumer, by number: as many as the topic has, and more when it grows.</summary>
/// <param name="gate">The lock of the producer or consumer.</param>
/// <param name="joinsAttached">Whether a later partition is used only when it is attached.</param>
/// <param name="create">Makes the partition of a number, given whether it joins later than the first ones.</param>
internal sealed class PartitionSet<T>(Lock gate, bool joinsAttached, Func<int, bool, T> create)
    where T : PartitionAttachment
{
    private readonly List<T> _joining = [];
    private Task _growing = Task.CompletedTask;
    private int _wanted;
    private bool _isClosed;

    /// <summary>The partitions in use. Read it under the lock, or take it as of one moment.</summary>
    public T[] All { get; private set; } = [];

    /// <summary>Called under the lock when <see cref="All"/> has become longer.</summary>
    public Action? Changed { get; init; }

    /// <summary>Makes the first partitions, which the caller attaches.</summary>
    public void Start(int first, int count)
    {
        _wanted = first + count;
        All = [.. Enumerable.Range(first, count).Select(i => create(i, false))];
    }

    /// <summary>The topic has so many partitions: attaches to those that are new, in their order.</summary>
    public void Grow(int count, Action<CometException> fault)
    {
        lock (gate)
        {
            if (_isClosed || count <= _wanted)
                return;
            T[] added = [.. Enumerable.Range(_wanted, count - _wanted).Select(i => create(i, true))];
            _wanted = count;
            _joining.AddRange(added);
            _growing = JoinAsync(_growing, added, fault);
        }
    }

    /// <summary>All partitions, those that are about to be attached too; none is added any more. The caller closes them, which ends the
    /// joining.</summary>
    public T[] Close()
    {
        lock (gate)
        {
            _isClosed = true;
            return [.. All, .. _joining];
        }
    }

    private async Task JoinAsync(Task before, T[] added, Action<CometException> fault)
    {
        // Grow is called under the lock.
        await Task.Yield();
        await before;
        foreach (var partition in added)
        {
            if (!joinsAttached)
                Add(partition);
            try
            {
                await partition.JoinAsync();
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (CometException e)
            {
                fault(e);
                return;
            }
            if (joinsAttached)
                Add(partition);
        }
    }

    private void Add(T partition)
    {
        lock (gate)
        {
            if (_isClosed)
                return;
            _joining.Remove(partition);
            All = [.. All, partition];
            Changed?.Invoke();
        }
    }
}
