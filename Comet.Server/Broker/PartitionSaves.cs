using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>Has what of a partition outlives the process saved, and holds back the answers that promise it. One save is under way at a
/// time; what changes meanwhile gathers for the next one. Without a store every answer leaves at once.</summary>
internal sealed class PartitionSaves(IPartitionStore? store)
{
    private readonly List<Subscription> _savedWith = [];
    private List<Answer> _waiting = [];
    private List<Answer> _underWay = [];
    private PartitionChanges _changes = new();
    private long _due = long.MaxValue;
    private bool _isSaving;

    /// <summary>Whether anything outlives the process.</summary>
    public bool IsNeeded => store is not null;

    /// <summary>When a save is due that nobody waits for; <see cref="long.MaxValue"/> for none.</summary>
    public long NextDue => _isSaving ? long.MaxValue : _due;

    /// <summary>Whether a message was moved or cancelled and that is not given to the store yet.</summary>
    public bool HasSchedules => _changes.Schedules.Count > 0;

    /// <summary>Called when a save is over, with a command for the partition.</summary>
    public Action<PartitionCommand>? Inbox { get; set; }

    /// <summary>What the earlier process had saved.</summary>
    public PartitionState Load() => store?.Load() ?? PartitionState.Empty;

    /// <summary>Whether what depends on a subscription has to wait, because a crash would forget it.</summary>
    public bool IsUnsaved(Subscription subscription) => store is not null && subscription is { IsDurable: true, IsStored: false };

    public void Removed(Subscription subscription)
    {
        if (store is not null && subscription.IsDurable)
            _changes.Removed.Add(subscription.Name);
    }

    /// <summary>A scheduled message was moved or (null) cancelled.</summary>
    public void Scheduled(long offset, MovedDue? moved)
    {
        if (store is not null)
            _changes.Schedules.Add((offset, moved));
    }

    /// <summary>The log ends before something that was saved: takes that back, before messages get those offsets.</summary>
    public void CutTo(long endOffset, List<Subscription> subscriptions, long nextDue)
    {
        _changes.CutTo = endOffset;
        Save(subscriptions, nextDue);
    }

    /// <summary>Confirms a request when all it has changed is saved; a correlation id of 0 asks for no answer.</summary>
    public void Confirm(IPeer peer, ulong correlationId)
    {
        if (correlationId == 0)
            return;
        if (store is null)
            peer.Confirm(correlationId);
        else
            _waiting.Add(new(peer, correlationId, null));
    }

    /// <summary>Does something, with the time as it is then, when all is saved that has changed up to now.</summary>
    public void Then(IPeer peer, ulong correlationId, long now, Action<long> action)
    {
        if (store is null)
            action(now);
        else
            _waiting.Add(new(peer, correlationId, action));
    }

    /// <summary>Begins a save when there is something to save and it is time. Called behind each group of commands.</summary>
    public void Settle(List<Subscription> subscriptions, long now, long nextDue)
    {
        if (store is null || _isSaving)
            return;
        var isChanged = !_changes.IsEmpty;
        foreach (var subscription in subscriptions)
            isChanged |= IsChanged(subscription);
        if (!isChanged)
        {
            if (_waiting.Count > 0)
                AnswerAll(now);
        }
        else if (_waiting.Count > 0 || !_changes.IsEmpty || now >= _due)
        {
            Save(subscriptions, nextDue);
        }
        else
        {
            _due = Math.Min(_due, now + store.Patience);
        }
    }

    /// <summary>Saves what there is to save, and when the partition next has something to do: nothing follows for a while.</summary>
    public void SaveBeforeRest(List<Subscription> subscriptions, long nextDue, bool isLast)
    {
        if (store is not null && (isLast || !_isSaving))
            Save(subscriptions, nextDue);
    }

    /// <summary>A save is over.</summary>
    /// <exception cref="CometException">It has failed: what is waited for may not be durable, and never will be.</exception>
    public void Saved(Exception? failure, long now)
    {
        if (failure is not null)
            throw new CometException(ErrorCode.StorageFailed, $"Cursors and subscriptions cannot be saved: {failure.Message}", failure);
        _isSaving = false;
        foreach (var subscription in _savedWith)
            subscription.IsStored = true;
        _savedWith.Clear();
        foreach (var answer in _underWay)
            answer.Give(now);
        _underWay.Clear();
    }

    /// <summary>The partition is closed: refuses what waits.</summary>
    public void CloseAll(ErrorCode code, string message)
    {
        foreach (var answer in _underWay.Concat(_waiting))
        {
            if (answer.CorrelationId != 0)
                answer.Peer.Fail(answer.CorrelationId, code, message);
        }
        _underWay.Clear();
        _waiting.Clear();
    }

    private static bool IsChanged(Subscription subscription) =>
        subscription.IsDurable && (subscription.Version != subscription.SavedVersion || !subscription.IsStored);

    private void Save(List<Subscription> subscriptions, long nextDue)
    {
        foreach (var subscription in subscriptions)
        {
            if (!IsChanged(subscription))
                continue;
            _changes.Subscriptions.Add(subscription.Save());
            subscription.SavedVersion = subscription.Version;
            _savedWith.Add(subscription);
        }
        var changes = _changes;
        changes.NextDue = nextDue;
        (_waiting, _underWay) = (_underWay, _waiting);
        (_changes, _due, _isSaving) = (new(), long.MaxValue, true);
        var inbox = Inbox!;
        store!.Save(changes, failure => inbox(new(CommandKind.Saved) { Detail = failure }));
    }

    private void AnswerAll(long now)
    {
        (_waiting, _underWay) = (_underWay, _waiting);
        foreach (var answer in _underWay)
            answer.Give(now);
        _underWay.Clear();
    }

    /// <summary>What is answered when something is saved.</summary>
    private readonly record struct Answer(IPeer Peer, ulong CorrelationId, Action<long>? Action)
    {
        public void Give(long now)
        {
            if (Action is null)
                Peer.Confirm(CorrelationId);
            else
                Action(now);
        }
    }
}
