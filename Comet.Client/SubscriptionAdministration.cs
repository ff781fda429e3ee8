using Comet.Client.Connections;
using Comet.Wire;

namespace Comet.Client;

/// <summary>Explains durable subscriptions. Thread-safe; each call is bounded by the client's OperationTimeout.</summary>
public sealed class SubscriptionAdministration
{
    private readonly Link _link;

    internal SubscriptionAdministration(Link link) => _link = link;

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
}
