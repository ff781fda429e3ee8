using Comet.Client.Connections;
using Comet.Wire;

namespace Comet.Client;

/// <summary>Creates, moves, lists, describes, explains and deletes durable subscriptions, without consuming. Thread-safe; each request is
/// bounded by the client's OperationTimeout. Each call goes through the topic's partitions one by one: what fails in the middle can be done
/// again.</summary>
public sealed class SubscriptionAdministration
{
    private readonly Link _link;
    private readonly TopicAdministration _topics;

    internal SubscriptionAdministration(Link link, TopicAdministration topics) => (_link, _topics) = (link, topics);

    /// <summary>Creates a subscription that nobody consumes yet; from then on messages are kept for it.</summary>
    /// <param name="topic">The topic, which must exist.</param>
    /// <param name="subscription">The subscription's name, see <see cref="Names"/>.</param>
    /// <param name="type">How its consumers will share its messages; they must say the same.</param>
    /// <param name="start">Where it begins. Default: Latest.</param>
    /// <param name="ifNotExists">True: a subscription of that name and type is left as it is, and no error.</param>
    /// <param name="cancellationToken">Ends the wait; the subscription may be created.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.SubscriptionAlreadyExists"/>, <see cref="ErrorCode.TopicNotFound"/>,
    /// <see cref="ErrorCode.InvalidName"/>, or the broker cannot be reached.</exception>
    public async Task CreateAsync(
        string topic, string subscription, SubscriptionType type = SubscriptionType.Exclusive, StartPosition start = default,
        bool ifNotExists = false, CancellationToken cancellationToken = default)
    {
        Names.Require(subscription, "subscription");
        var description = await _topics.DescribeAsync(topic, cancellationToken);
        foreach (var partition in description.Partitions)
        {
            await _link.RequestAsync<CreateSubscriptionFrame, OkFrame>(
                new(topic, partition.Partition, subscription, type, (long)start.Kind, start.Value, ifNotExists), null, cancellationToken);
        }
    }

    /// <summary>The subscriptions of a topic, by name.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicNotFound"/>, or the broker cannot be reached.</exception>
    public async Task<IReadOnlyList<SubscriptionSummary>> ListAsync(string topic, CancellationToken cancellationToken = default)
    {
        var description = await _topics.DescribeAsync(topic, cancellationToken);
        return
        [
            .. description.Subscriptions.GroupBy(static s => s.Name, StringComparer.Ordinal).Select(static g =>
                new SubscriptionSummary(g.Key, g.First().Type, g.Sum(static s => s.Backlog), g.Max(static s => s.Consumers))),
        ];
    }

    /// <summary>What the broker knows about a subscription now, one entry for each partition.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.SubscriptionNotFound"/>, <see cref="ErrorCode.TopicNotFound"/>, or the broker
    /// cannot be reached.</exception>
    public async Task<IReadOnlyList<SubscriptionDescription>> DescribeAsync(
        string topic, string subscription, CancellationToken cancellationToken = default)
    {
        Names.Require(subscription, "subscription");
        var description = await _topics.DescribeAsync(topic, cancellationToken);
        SubscriptionDescription[] found =
            [.. description.Subscriptions.Where(s => string.Equals(s.Name, subscription, StringComparison.Ordinal))];
        return found.Length > 0
            ? found
            : throw new CometException(ErrorCode.SubscriptionNotFound, $"The topic '{topic}' has no subscription '{subscription}'.");
    }

    /// <summary>Why a subscription gets nothing, or what it gets: in each partition its backlog, what it would get next, and the reason why
    /// that waits.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="subscription">The subscription.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.SubscriptionNotFound"/>, <see cref="ErrorCode.TopicNotFound"/>, or the broker
    /// cannot be reached.</exception>
    public async Task<SubscriptionExplanation> ExplainAsync(
        string topic, string subscription, CancellationToken cancellationToken = default) =>
        (await _link.RequestAsync<ExplainSubscriptionFrame, SubscriptionExplainedFrame>(
            new(Names.Require(topic, "topic"), Names.Require(subscription, "subscription")), null, cancellationToken)).Explanation;

    /// <summary>Moves a subscription to another place in all partitions: what lies behind that place is delivered, again or for the first
    /// time, and what lies before it counts as acked. Its consumers attach again by themselves; what they hold from before is stale, and
    /// acks of it do nothing.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="subscription">The subscription.</param>
    /// <param name="position">Where to. What is not kept any more cannot be delivered.</param>
    /// <param name="cancellationToken">Ends the wait; the subscription may be moved, in some partitions or all.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.SubscriptionNotFound"/>, <see cref="ErrorCode.TopicNotFound"/>, or the broker
    /// cannot be reached.</exception>
    public async Task SeekAsync(string topic, string subscription, StartPosition position, CancellationToken cancellationToken = default)
    {
        foreach (var partition in await DescribeAsync(topic, subscription, cancellationToken))
        {
            await _link.RequestAsync<SeekFrame, SoughtFrame>(
                new(topic, partition.Partition, subscription, (long)position.Kind, position.Value), null, cancellationToken);
        }
    }

    /// <summary>Removes a subscription that has no consumers from all partitions, with its place in them.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.SubscriptionNotFound"/>, <see cref="ErrorCode.SubscriptionInUse"/> (nothing is
    /// removed then), <see cref="ErrorCode.TopicNotFound"/>, or the broker cannot be reached.</exception>
    public async Task DeleteAsync(string topic, string subscription, CancellationToken cancellationToken = default)
    {
        var partitions = await DescribeAsync(topic, subscription, cancellationToken);
        // Asked before anything is removed: the partitions decide each for itself, and half a subscription is none.
        if (partitions.FirstOrDefault(static p => p.Consumers > 0) is { } busy)
        {
            throw new CometException(ErrorCode.SubscriptionInUse,
                $"The subscription '{subscription}' still has {busy.Consumers} consumer(s) in partition {busy.Partition}; close "
                    + "them first.");
        }
        foreach (var partition in partitions)
        {
            await _link.RequestAsync<UnsubscribeFrame, OkFrame>(
                new(topic, partition.Partition, subscription), null, cancellationToken);
        }
    }
}

/// <summary>A durable subscription in a listing.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">How its consumers share the messages.</param>
/// <param name="Backlog">How many messages of all partitions are not acked yet.</param>
/// <param name="Consumers">How many consumers are attached.</param>
public sealed record SubscriptionSummary(string Name, SubscriptionType Type, long Backlog, int Consumers);
