using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>The subscriptions of one partition, those that are no readers by name.</summary>
internal sealed class SubscriptionTable(IPartitionLog log, FencingToken fence, DelayIndex delays, PartitionCounters counters,
    PartitionSaves saves, PlantedBug bug = PlantedBug.None)
{
    private readonly List<Subscription> _all = [];
    private readonly Dictionary<string, Subscription> _named = new(StringComparer.Ordinal);
    private long _lastGeneration;

    public List<Subscription> All => _all;

    public long NextDue
    {
        get
        {
            var next = long.MaxValue;
            foreach (var subscription in _all)
                next = Math.Min(next, subscription.NextDue);
            return next;
        }
    }

    public Subscription? Find(string name) => _named.GetValueOrDefault(name);

    /// <summary>The first offset that a durable subscription has not acked, or that waits for its time; all below it is nobody's any
    /// more.</summary>
    public long FirstNeeded
    {
        get
        {
            // What waits for its time is kept, whoever there is: a subscription may come before its time does.
            var needed = Math.Min(log.StableOffset, delays.Pending.First);
            foreach (var subscription in _named.Values)
            {
                if (subscription.IsDurable && bug != PlantedBug.RetentionEatsUnacked)
                    needed = Math.Min(needed, subscription.Cursor.AckedUpTo);
            }
            return needed;
        }
    }

    /// <summary>Attaches a consumer, creating its subscription on first use; the answer goes to its peer.</summary>
    public void Attach(Consumer consumer, AttachRequest request, ulong correlationId, long now)
    {
        if (consumer.IsDetached)
        {
            if (correlationId != 0)
                consumer.Peer.Fail(correlationId, ErrorCode.ConsumerNotFound, $"The consumer '{consumer.Name}' was closed meanwhile.");
            return;
        }
        var subscription = FindOrCreate(request);
        if (saves.IsUnsaved(subscription))
        {
            // Whoever is attached counts on it: what is published from now on has to be kept for it.
            saves.Then(consumer.Peer, correlationId, now, then => Attach(consumer, request, correlationId, then));
            return;
        }
        var refusal = Refuse(subscription, consumer, request, now);
        if (refusal is not null)
        {
            consumer.Peer.Forget(consumer);
            consumer.Peer.Fail(correlationId, refusal.Code, refusal.Message);
            return;
        }
        subscription.Settings = request.Settings;
        subscription.Attach(consumer);
        consumer.Peer.Send(new SubscribedFrame(consumer.Id, subscription.NextOffset, fence.Epoch, subscription.Generation),
            correlationId);
        subscription.ChooseActive(consumer, now);
    }

    public void Detach(Consumer consumer, long now)
    {
        consumer.IsDetached = true;
        if (consumer.Subscription is not { } subscription)
            return;
        subscription.Detach(consumer, now);
        consumer.Peer.Forget(consumer);
        if (!subscription.IsDurable && subscription.Consumers.Count == 0)
            Remove(subscription);
    }

    /// <summary>Creates a durable subscription that no consumer is attached to yet.</summary>
    public void Create(CreateSubscriptionRequest request, ulong correlationId)
    {
        if (_named.TryGetValue(request.Subscription, out var known) && !(request.IfNotExists && known.Type == request.Subscribe.Type))
        {
            request.Peer.Fail(correlationId, ErrorCode.SubscriptionAlreadyExists,
                $"The subscription '{request.Subscription}' exists already and is {known.Type}.");
            return;
        }
        FindOrCreate(request.Subscribe);
        saves.Confirm(request.Peer, correlationId);
    }

    /// <summary>Makes the subscriptions that an earlier process has saved.</summary>
    public void Restore(IReadOnlyList<SubscriptionState> saved, long now)
    {
        foreach (var state in saved)
        {
            var cursor = SubscriptionRestore.Clamp(state.Cursor, log.EndOffset);
            var subscription = new Subscription(state.Name, state.Type, SubscriptionKind.Durable, cursor, ++_lastGeneration)
            {
                Settings = state.Settings, Counters = counters, Bug = bug,
            };
            SubscriptionRestore.Resume(subscription, state, delays, log.EndOffset, now);
            // What was acked may have been dropped before its cursor was saved: it is no backlog.
            subscription.Skip(new(subscription.Cursor.AckedUpTo, log.StartOffset - 1));
            _all.Add(subscription);
            _named.Add(state.Name, subscription);
        }
    }

    /// <summary>Requests that create the durable subscriptions of this partition in an empty one.</summary>
    public IReadOnlyList<CreateSubscriptionRequest> CopyAll(IPeer peer) =>
        [.. _named.Values.Where(static s => s.IsDurable).Select(s => new CreateSubscriptionRequest(
            peer, new(s.Name, s.Type, s.Kind, StartPosition.Earliest) { Settings = s.Settings }, IfNotExists: true))];

    /// <summary>Moves a subscription; its consumers are told to attach again, before the request is answered.</summary>
    public void Seek(SeekRequest request, ulong correlationId, long now)
    {
        if (!_named.TryGetValue(request.Subscription, out var subscription))
        {
            request.Peer.Fail(correlationId, ErrorCode.SubscriptionNotFound, NotFound(request));
            return;
        }
        var moved = subscription.MovedTo(Resolve(request.Position), ++_lastGeneration);
        _named[request.Subscription] = moved;
        _all[_all.IndexOf(subscription)] = moved;
        subscription.CloseAll(ErrorCode.SubscriptionMoved,
            $"The subscription '{request.Subscription}' was moved to {request.Position}; attach again.");
        saves.Then(request.Peer, correlationId, now, _ => request.Peer.Send(new SoughtFrame(moved.NextOffset), correlationId));
    }

    public void Unsubscribe(SubscriptionRequest request, ulong correlationId)
    {
        if (!_named.TryGetValue(request.Subscription, out var subscription))
        {
            request.Peer.Fail(correlationId, ErrorCode.SubscriptionNotFound, NotFound(request));
        }
        else if (subscription.Consumers.Count > 0)
        {
            request.Peer.Fail(correlationId, ErrorCode.SubscriptionInUse,
                $"The subscription '{request.Subscription}' still has {subscription.Consumers.Count} consumer(s); close them first.");
        }
        else
        {
            Remove(subscription);
            saves.Confirm(request.Peer, correlationId);
        }
    }

    public IReadOnlyList<SubscriptionDescription> Describe(int partition, PartitionPolicy policy) =>
        [.. _named.Values.Select(s => policy.Describe(s, s.Describe(partition, log.StableOffset)))];

    public void CloseAll(ErrorCode code, string message)
    {
        foreach (var subscription in _all)
            subscription.CloseAll(code, message);
        _all.Clear();
        _named.Clear();
    }

    /// <summary>Why a consumer cannot join; null when it can. A namesake over another connection makes room.</summary>
    private static CometException? Refuse(Subscription subscription, Consumer consumer, AttachRequest request, long now)
    {
        if (subscription.Type != request.Type)
            return new(ErrorCode.SubscriptionTypeMismatch,
                $"The subscription '{subscription.Name}' is {subscription.Type}, not {request.Type}.");
        if (subscription.Kind != request.Kind)
            return new(ErrorCode.SubscriptionTypeMismatch,
                $"The subscription '{subscription.Name}' is {subscription.Kind}, not {request.Kind}.");
        if (subscription.IsFull)
            return new(ErrorCode.LimitExceeded, $"The subscription '{subscription.Name}' has {subscription.Consumers.Count} consumers.");
        if (subscription.Consumers.FirstOrDefault(c => string.Equals(c.Name, consumer.Name, StringComparison.Ordinal)) is { } namesake)
        {
            if (ReferenceEquals(namesake.Peer, consumer.Peer))
                return new(ErrorCode.ConsumerNameTaken,
                    $"A consumer named '{consumer.Name}' is attached to '{subscription.Name}' already.");
            // The same consumer over a new connection, whose old one may be half dead: the new one has it.
            subscription.Detach(namesake, now);
            namesake.Peer.Forget(namesake);
            namesake.Peer.Send(new ConsumerClosedFrame(
                namesake.Id, ErrorCode.ConsumerNameTaken, $"A consumer named '{consumer.Name}' has attached over another connection."));
        }
        return subscription.Type == SubscriptionType.Exclusive && subscription.Consumers.Count > 0
            ? new(ErrorCode.ConsumerBusy, $"The exclusive subscription '{subscription.Name}' has a consumer, "
                + $"'{subscription.Consumers[0].Name}'. Use Shared for several.")
            : null;
    }

    private static string NotFound(SubscriptionRequest request) => $"There is no subscription '{request.Subscription}'.";

    private Subscription FindOrCreate(AttachRequest request)
    {
        if (request.Kind != SubscriptionKind.Reader && _named.TryGetValue(request.Subscription, out var known))
            return known;
        var created = new Subscription(
            request.Subscription, request.Type, request.Kind, new(Resolve(request.Start), []), ++_lastGeneration)
        {
            Settings = request.Settings,
            Counters = counters, Bug = bug,
        };
        _all.Add(created);
        if (request.Kind != SubscriptionKind.Reader)
            _named.Add(request.Subscription, created);
        return created;
    }

    private void Remove(Subscription subscription)
    {
        _all.Remove(subscription);
        saves.Removed(subscription);
        if (!subscription.IsReader)
            _named.Remove(subscription.Name);
    }

    private long Resolve(StartPosition start) => start.Kind switch
    {
        StartPositionKind.Earliest => log.StartOffset,
        StartPositionKind.Offset => Math.Clamp(start.Value, log.StartOffset, log.EndOffset),
        StartPositionKind.Time => log.FindByAppendTime(start.Value),
        _ => log.StableOffset,
    };
}
