using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>The subscriptions of one partition, durable ones by name.</summary>
internal sealed class SubscriptionTable(IPartitionLog log, FencingToken fence)
{
    private readonly List<Subscription> _all = [];
    private readonly Dictionary<string, Subscription> _durable = new(StringComparer.Ordinal);
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

    /// <summary>The first offset that a durable subscription has not acked; all below it is nobody's any more.</summary>
    public long FirstNeeded
    {
        get
        {
            var needed = log.StableOffset;
            foreach (var subscription in _durable.Values)
                needed = Math.Min(needed, subscription.Cursor.AckedUpTo);
            return needed;
        }
    }

    /// <summary>Attaches a consumer, creating its subscription on first use; the answer goes to its peer.</summary>
    public void Attach(Consumer consumer, AttachRequest request, ulong correlationId)
    {
        var subscription = FindOrCreate(request);
        var refusal = Refuse(subscription, consumer, request);
        if (refusal is not null)
        {
            consumer.Peer.Forget(consumer);
            consumer.Peer.Fail(correlationId, refusal.Code, refusal.Message);
            return;
        }
        subscription.Attach(consumer);
        consumer.Peer.Send(new SubscribedFrame(consumer.Id, subscription.NextOffset, fence.Epoch, subscription.Generation),
            correlationId);
    }

    public void Detach(Consumer consumer)
    {
        if (consumer.Subscription is not { } subscription)
            return;
        subscription.Detach(consumer);
        consumer.Peer.Forget(consumer);
        if (!subscription.IsDurable)
            _all.Remove(subscription);
    }

    /// <summary>Creates a durable subscription that no consumer is attached to yet.</summary>
    public void Create(CreateSubscriptionRequest request, ulong correlationId)
    {
        if (_durable.TryGetValue(request.Subscription, out var known) && !(request.IfNotExists && known.Type == request.Subscribe.Type))
        {
            request.Peer.Fail(correlationId, ErrorCode.SubscriptionAlreadyExists,
                $"The subscription '{request.Subscription}' exists already and is {known.Type}.");
            return;
        }
        FindOrCreate(request.Subscribe);
        request.Peer.Confirm(correlationId);
    }

    /// <summary>Requests that create the durable subscriptions of this partition in an empty one.</summary>
    public IReadOnlyList<CreateSubscriptionRequest> CopyAll(IPeer peer) =>
        [.. _durable.Values.Select(s => new CreateSubscriptionRequest(
            peer, new(s.Name, s.Type, IsDurable: true, StartPosition.Earliest), IfNotExists: true))];

    /// <summary>Moves a subscription; its consumers are told to attach again, before the request is answered.</summary>
    public void Seek(SeekRequest request, ulong correlationId)
    {
        if (!_durable.TryGetValue(request.Subscription, out var subscription))
        {
            request.Peer.Fail(correlationId, ErrorCode.SubscriptionNotFound, NotFound(request));
            return;
        }
        subscription.Seek(Resolve(request.Position), ++_lastGeneration);
        subscription.CloseAll(ErrorCode.SubscriptionMoved,
            $"The subscription '{request.Subscription}' was moved to {request.Position}; attach again.");
        request.Peer.Send(new SoughtFrame(subscription.NextOffset), correlationId);
    }

    public void Unsubscribe(SubscriptionRequest request, ulong correlationId)
    {
        if (!_durable.TryGetValue(request.Subscription, out var subscription))
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
            _durable.Remove(request.Subscription);
            _all.Remove(subscription);
            request.Peer.Confirm(correlationId);
        }
    }

    public IReadOnlyList<SubscriptionDescription> Describe(int partition) =>
        [.. _durable.Values.Select(s => Describe(s, partition))];

    public void CloseAll(ErrorCode code, string message)
    {
        foreach (var subscription in _all)
            subscription.CloseAll(code, message);
        _all.Clear();
        _durable.Clear();
    }

    /// <summary>Why a consumer cannot join; null when it can. A namesake over another connection makes room.</summary>
    private static CometException? Refuse(Subscription subscription, Consumer consumer, AttachRequest request)
    {
        if (subscription.Type != request.Type)
            return new(ErrorCode.SubscriptionTypeMismatch,
                $"The subscription '{subscription.Name}' is {subscription.Type}, not {request.Type}.");
        if (subscription.Consumers.FirstOrDefault(c => string.Equals(c.Name, consumer.Name, StringComparison.Ordinal)) is { } namesake)
        {
            if (ReferenceEquals(namesake.Peer, consumer.Peer))
                return new(ErrorCode.ConsumerNameTaken,
                    $"A consumer named '{consumer.Name}' is attached to '{subscription.Name}' already.");
            // The same consumer over a new connection, whose old one may be half dead: the new one has it.
            subscription.Detach(namesake);
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

    private SubscriptionDescription Describe(Subscription subscription, int partition)
    {
        var described = subscription.Describe(partition, log.StableOffset) with
        {
            BacklogBytes = Backlog.Measure(log, subscription),
            Expired = subscription.Expired,
            Dropped = subscription.Dropped,
        };
        var oldest = subscription.Cursor.NextUnacked(log.StartOffset).First;
        return oldest < log.StableOffset && log.TryRead(oldest, out var batch)
            ? described with { OldestUnackedOffset = oldest, OldestUnackedTime = UnixMicroseconds.ToTime(batch.Header.AppendTime) }
            : described;
    }

    private Subscription FindOrCreate(AttachRequest request)
    {
        if (request.IsDurable && _durable.TryGetValue(request.Subscription, out var known))
            return known;
        var created = new Subscription(
            request.Subscription, request.Type, request.IsDurable, new(Resolve(request.Start), []), ++_lastGeneration);
        _all.Add(created);
        if (request.IsDurable)
            _durable.Add(request.Subscription, created);
        return created;
    }

    private long Resolve(StartPosition start) => start.Kind switch
    {
        StartPositionKind.Earliest => log.StartOffset,
        StartPositionKind.Offset => Math.Clamp(start.Value, log.StartOffset, log.EndOffset),
        StartPositionKind.Time => log.FindByAppendTime(start.Value),
        _ => log.StableOffset,
    };
}
