namespace Comet;

/// <summary>The headers that a message has in a dead-letter topic, beside those it had before, and the one that it keeps when it was moved
/// back. All values are text.</summary>
public static class DeadLetterHeaders
{
    /// <summary>With what every header begins that the broker adds to a dead letter.</summary>
    public const string Prefix = "comet-dlq-";

    /// <summary>Why it is here: <see cref="MaxDeliveries"/> or <see cref="GivenUp"/>.</summary>
    public const string Reason = Prefix + "reason";

    /// <summary>What the program said when it gave the message back or up, or how else it came back.</summary>
    public const string Exception = Prefix + "exception";

    /// <summary>The id that it had, as <see cref="MessageId.ToString()"/> writes it.</summary>
    public const string Origin = Prefix + "origin";

    /// <summary>The subscription that gave it up.</summary>
    public const string Subscription = Prefix + "subscription";

    /// <summary>How often it was delivered.</summary>
    public const string Deliveries = Prefix + "deliveries";

    /// <summary>When it was given up: ISO 8601, UTC.</summary>
    public const string Time = Prefix + "time";

    /// <summary>How often it was moved back from a dead-letter topic.</summary>
    public const string RedriveCount = "comet-redrive-count";

    /// <summary>A <see cref="Reason"/>: it was delivered as often as the subscription lets it be.</summary>
    public const string MaxDeliveries = "max-deliveries";

    /// <summary>A <see cref="Reason"/>: a consumer gave it up.</summary>
    public const string GivenUp = "given-up";

    /// <summary>The durable, exclusive subscription that keeps the messages of a dead-letter topic until they are moved back.</summary>
    internal const string RedriveSubscription = "redrive";

    /// <summary>The topic that dead letters of a subscription go to when none is named.</summary>
    internal static string DefaultTopic(string topic, string subscription) => $"{topic}/{subscription}/dead-letters";
}
