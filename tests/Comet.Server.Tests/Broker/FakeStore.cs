using Comet.Server.Broker;
using Comet.Server.Storage;

namespace Comet.Server.Tests.Broker;

/// <summary>What a partition saves, in memory; saves are done at once, or when the test says so.</summary>
internal sealed class FakeStore : IPartitionStore
{
    private readonly Dictionary<string, SubscriptionState> _subscriptions = new(StringComparer.Ordinal);
    private readonly Dictionary<long, MovedDue> _moved = [];
    private readonly List<long> _cancelled = [];
    private readonly Queue<(PartitionChanges Changes, Action<Exception?> Saved)> _pending = new();

    public long Patience => 100_000;

    /// <summary>Whether saves wait for <see cref="Complete"/>.</summary>
    public bool IsHeld { get; set; }

    /// <summary>How many saves are under way.</summary>
    public int Pending => _pending.Count;

    /// <summary>How many saves were begun.</summary>
    public int Saves { get; private set; }

    public PartitionState Load() => new([.. _subscriptions.Values], new Dictionary<long, MovedDue>(_moved), [.. _cancelled]);

    public void Save(PartitionChanges changes, Action<Exception?> saved)
    {
        Saves++;
        _pending.Enqueue((changes, saved));
        if (!IsHeld)
            Complete();
    }

    /// <summary>Does the oldest save, or lets it fail.</summary>
    public void Complete(Exception? failure = null)
    {
        var (changes, saved) = _pending.Dequeue();
        if (failure is null)
            Apply(changes);
        saved(failure);
    }

    /// <summary>The process is gone before what is under way is done.</summary>
    public void Lose() => _pending.Clear();

    private void Apply(PartitionChanges changes)
    {
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
