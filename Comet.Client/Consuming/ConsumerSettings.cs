namespace Comet.Client.Consuming;

/// <summary>The options of a consumer or reader that do not depend on what it receives.</summary>
internal sealed record ConsumerSettings(
    string Topic,
    string Subscription,
    string ConsumerName,
    SubscriptionType Type,
    bool IsDurable,
    StartPosition Start,
    int WindowMessages,
    long WindowBytes,
    bool ConfirmAcks,
    TimeSpan AckLinger,
    int MaxGatheredAcks,
    int PriorityLevel)
{
    public static ConsumerSettings From<T>(string topic, string subscription, ConsumerOptions<T> options,
        Random? randomness = null) => new(
        topic, subscription, options.ConsumerName ?? RandomName.Create("consumer", randomness), options.Type, IsDurable: true,
        options.StartPosition, options.ReceiveWindowMessages, options.ReceiveWindowBytes, options.ConfirmAcks, options.AckLinger,
        options.MaxGatheredAcks, options.PriorityLevel);

    public static ConsumerSettings From<T>(string topic, ReaderOptions<T> options, Random? randomness = null)
    {
        var name = RandomName.Create("reader", randomness);
        return From(topic, name, new ConsumerOptions<T>
        {
            ConsumerName = name,
            StartPosition = options.StartPosition,
            ReceiveWindowMessages = options.ReceiveWindowMessages,
            ReceiveWindowBytes = options.ReceiveWindowBytes,
        }.Validated()) with { IsDurable = false };
    }
}
