using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Sessions;

/// <summary>What a client says about a subscription, checked and in the broker's own terms.</summary>
internal static class SubscribeCheck
{
    private const long MicrosecondsPerMillisecond = 1_000;
    private const long MinLeaseMilliseconds = 100;
    private const long MaxMilliseconds = 366L * 24 * 3600 * 1000;

    /// <summary>Checks a request.</summary>
    /// <exception cref="CometException">A name or number is wrong.</exception>
    public static AttachRequest Check(in SubscribeFrame request)
    {
        var name = Names.Require(request.Subscription, "subscription");
        var kind = request.Durable ? SubscriptionKind.Durable
            : request.Terms.IsEphemeral ? SubscriptionKind.Ephemeral : SubscriptionKind.Reader;
        return new AttachRequest(name, request.SubscriptionType, kind, StartPosition.FromWire(request.StartKind, request.StartValue))
        {
            Settings = Check(request, name, request.Terms),
        };
    }

    private static SubscriptionSettings Check(in SubscribeFrame request, string subscription, in SubscriptionTerms terms)
    {
        Require("lease", terms.LeaseMilliseconds, terms.LeaseMilliseconds == 0 ? 0 : MinLeaseMilliseconds, MaxMilliseconds, " ms");
        Require("redelivery back-off", terms.BackoffMilliseconds, 0, MaxMilliseconds, " ms");
        Require("largest redelivery back-off", terms.MaxBackoffMilliseconds, terms.BackoffMilliseconds, MaxMilliseconds, " ms");
        Require("factor of the redelivery back-off", terms.BackoffPermille, 0, 1_000_000, " thousandths");
        Require("most deliveries", terms.MaxDeliveries, 0, MessageState.MaxDeliveryCount, "");
        var topic = terms.DeadLetterTopic ?? DeadLetterHeaders.DefaultTopic(request.Topic, subscription);
        if (terms.DeadLetterTopic is not null || terms.MaxDeliveries > 0)
            Names.Require(topic, "dead-letter topic");
        if (string.Equals(topic, request.Topic, StringComparison.Ordinal))
            throw new CometException(ErrorCode.InvalidArgument, $"'{topic}' cannot be the dead-letter topic of its own subscription.");
        var isKeyShared = request.SubscriptionType == SubscriptionType.KeyShared;
        return new SubscriptionSettings
        {
            Lease = terms.LeaseMilliseconds > 0 ? terms.LeaseMilliseconds * MicrosecondsPerMillisecond
                : isKeyShared ? SubscriptionSettings.DefaultKeySharedLease : 0,
            Backoff = new(terms.BackoffMilliseconds * MicrosecondsPerMillisecond,
                terms.MaxBackoffMilliseconds * MicrosecondsPerMillisecond, terms.BackoffPermille),
            MaxDeliveries = terms.MaxDeliveries,
            DeadLetterTopic = topic,
        };
    }

    private static void Require(string what, long value, long least, long most, string unit)
    {
        if (value < least || value > most)
            throw new CometException(ErrorCode.InvalidArgument, $"The {what} is {value}{unit}; it must be from {least} to {most}{unit}.");
    }
}
