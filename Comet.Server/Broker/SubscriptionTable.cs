using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>The subscriptions of one partition, durable ones by name.</summary>
internal sealed class SubscriptionTable(IPartitionLog log, FencingToken fence, PartitionCounters counters)
{
    private readonly List<Subscription> _all = [];
    private readonly Dictionary<string, Subscription> _durable = new(StringComparer.Ordinal);

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

    public Subscription? FindDurable(string name) => _durable.GetValueOrDefault(name);

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
        consumer.Peer.Send(new SubscribedFrame(consumer.Id, subscription.NextOffset, fence.Epoch), correlationId);
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

    public void Unsubscribe(UnsubscribeRequest request, ulong correlationId)
    {
        if (!_durable.TryGetValue(request.Subscription, out var subscription))
        {
            request.Peer.Fail(correlationId, ErrorCode.SubscriptionNotFound, $"There is no subscription '{request.Subscription}'.");
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

    /// <summary>Drops messages that no durable subscription needs, oldest first, until about so many bytes are free.</summary>
    public void Trim(long bytes)
    {
        var needed = log.StableOffset;
        foreach (var subscription in _durable.Values)
            needed = Math.Min(needed, subscription.Cursor.AckedUpTo);
        var target = bytes >= log.Bytes ? long.MinValue : log.Bytes - bytes;
        while (log.Bytes > target && log.TryRead(log.StartOffset, out var oldest) && oldest.LastOffset < needed)
            log.TruncateBefore(fence, oldest.LastOffset + 1);
    }

    public IReadOnlyList<SubscriptionDescription> Describe(int partition) =>
        [.. _durable.Values.Select(s => s.Describe(partition, log.StableOffset))];

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

    private Subscription FindOrCreate(AttachRequest request)
    {
        if (request.IsDurable && _durable.TryGetValue(request.Subscription, out var known))
            return known;
        var created = new Subscription(request.Subscription, request.Type, request.IsDurable, new(Resolve(request.Start), []))
        {
            Counters = counters,
        };
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
