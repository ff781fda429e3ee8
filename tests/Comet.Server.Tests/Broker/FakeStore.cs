using Comet.Server.Broker;
using Comet.Server.Storage;

namespace Comet.Server.Tests.Broker;

/// <summary>What a partition saves, in memory; saves are done at once, or when the test says so.</summary>
internal sealed class FakeStore : IPartitionStore
{
    private readonly Dictionary<string, SubscriptionState> _subscriptions = new(StringComparer.Ordinal);
    private readonly Dictionary<long, MovedDue> _moved = [];
    private readonly List<long> _cancelled = [];
    private readonly Queue<(Action Apply, Action<Exception?> Saved)> _pending = new();

    public long Patience => 100_000;

    public IDelayFiles? DelayFiles { get; init; }

    /// <summary>Whether saves wait for <see cref="Complete"/>.</summary>
    public bool IsHeld { get; set; }

    /// <summary>How many saves are under way.</summary>
    public int Pending => _pending.Count;

    /// <summary>How many saves were begun.</summary>
    public int Saves { get; private set; }

    /// <summary>The point that was saved last.</summary>
    public RecoveryPoint? Point { get; set; }

    public PartitionState Load() =>
        new([.. _subscriptions.Values], new Dictionary<long, MovedDue>(_moved), [.. _cancelled]) { Point = Point };

    public void Save(RecoveryPoint point, Action<Exception?> saved) => Add(() => Point = point, saved);

    public void Save(PartitionChanges changes, Action<Exception?> saved)
    {
        Saves++;
        Add(() => Apply(changes), saved);
    }

    /// <summary>Does the oldest save, or lets it fail.</summary>
    public void Complete(Exception? failure = null)
    {
        var (apply, saved) = _pending.Dequeue();
        if (failure is null)
            apply();
        saved(failure);
    }

    /// <summary>The process is gone before what is under way is done.</summary>
    public void Lose() => _pending.Clear();

    private void Add(Action apply, Action<Exception?> saved)
    {
        _pending.Enqueue((apply, saved));
        if (!IsHeld)
            Complete();
    }

    private void Apply(PartitionChanges changes)
    {
        if (changes.CutTo is { } end)
        {
            _cancelled.RemoveAll(offset => offset >= end);
            foreach (var offset in _moved.Keys.Where(offset => offset >= end).ToArray())
                _moved.Remove(offset);
        }
        foreach (var name in changes.Removed)
            _subscriptions.Remove(name);
        foreach (var subscription in changes.Subscriptions)
            _subscriptions[subscription.Name] = subscription;
        foreach (var (offset, moved) in changes.Schedules)
        {
            if (moved is { } time)
                _moved[offset] = time;
            else
                _cancelled.Add(offset);
        }
    }
}
