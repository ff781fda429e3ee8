using System.Globalization;
using System.Runtime.CompilerServices;
using Comet.Client.Consuming;

namespace Comet.Client;

/// <summary>Looks at the messages that subscriptions have given up, and moves them back to the topics they came from.
/// Thread-safe.</summary>
public sealed class DeadLetterAdministration
{
    private readonly CometClient _client;

    internal DeadLetterAdministration(CometClient client) => _client = client;

    /// <summary>The topic that dead letters of a subscription go to when its consumers name none.</summary>
    public static string DefaultTopic(string topic, string subscription) => DeadLetterHeaders.DefaultTopic(topic, subscription);

    /// <summary>The dead letters of a subscription that were not moved back yet, oldest first.</summary>
    /// <inheritdoc cref="RedriveAsync(string, string, RedriveOptions, IProgress{RedriveProgress}, CancellationToken)" path="/param"/>
    /// <exception cref="CometException">The broker cannot be reached.</exception>
    public IAsyncEnumerable<DeadLetter> ListAsync(string topic, string subscription, CancellationToken cancellationToken = default) =>
        ListAsync(DefaultTopic(topic, subscription), cancellationToken);

    /// <summary>The messages of a dead-letter topic that were not moved back yet, oldest first.</summary>
    /// <param name="deadLetterTopic">The dead-letter topic.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="CometException">The broker cannot be reached.</exception>
    public async IAsyncEnumerable<DeadLetter> ListAsync(
        string deadLetterTopic, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (await DescribeAsync(deadLetterTopic, cancellationToken) is not { } topic)
            yield break;
        var left = topic.Partitions.ToDictionary(static p => p.Partition, p => (First: AckedUpTo(topic, p), p.EndOffset));
        var open = left.Values.Count(static l => l.First < l.EndOffset);
        if (open == 0)
            yield break;
        await using var reader = await _client.CreateReaderAsync<ReadOnlyMemory<byte>>(deadLetterTopic, null, cancellationToken);
        await foreach (var delivery in reader.ReadAllAsync(cancellationToken))
        {
            var (first, end) = left[delivery.Id.Partition];
            if (delivery.Id.Offset >= first && delivery.Id.Offset < end)
                yield return DeadLetter.From(delivery);
            if (delivery.Id.Offset == end - 1 && first < end && --open == 0)
                yield break;
        }
    }

    /// <summary>Moves the dead letters of a subscription back to the topics they came from, where every subscription gets them
    /// anew.</summary>
    /// <param name="topic">The topic of the subscription.</param>
    /// <param name="subscription">The subscription.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="progress">Told as it goes.</param>
    /// <param name="cancellationToken">Ends it; what was moved stays moved, and the next redrive goes on with the rest.</param>
    /// <inheritdoc cref="RedriveAsync(string, RedriveOptions, IProgress{RedriveProgress}, CancellationToken)"/>
    public Task<RedriveProgress> RedriveAsync(string topic, string subscription, RedriveOptions? options = null,
        IProgress<RedriveProgress>? progress = null, CancellationToken cancellationToken = default) =>
        RedriveAsync(DefaultTopic(topic, subscription), options, progress, cancellationToken);

    /// <summary>Moves the messages of a dead-letter topic back to the topics they came from.</summary>
    /// <param name="deadLetterTopic">The dead-letter topic.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="progress">Told as it goes.</param>
    /// <param name="cancellationToken">Ends it; what was moved stays moved, and the next redrive goes on with the rest.</param>
    /// <returns>How much was moved. Only what was there when it began.</returns>
    /// <remarks>Key, headers and payload stay; the headers of the dead letter are taken off, and
    /// <see cref="DeadLetterHeaders.RedriveCount"/> counts. A message is taken out of the dead-letter topic when its own has confirmed it,
    /// so one that is interrupted in between is moved twice. What has no origin is left where it is.</remarks>
    /// <exception cref="CometException"><see cref="ErrorCode.ConsumerBusy"/> while another redrive is at work,
    /// <see cref="ErrorCode.TopicNotFound"/> when the origin is gone, or the broker cannot be reached.</exception>
    public async Task<RedriveProgress> RedriveAsync(string deadLetterTopic, RedriveOptions? options = null,
        IProgress<RedriveProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var most = (options ?? new RedriveOptions()).MaxMessages;
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1, nameof(options));
        if (await DescribeAsync(deadLetterTopic, cancellationToken) is not { } topic)
            return new RedriveProgress(0, 0, 0);
        var total = Math.Min(most, topic.Subscriptions.Where(static s => IsRedrive(s)).Sum(static s => s.Backlog));
        await using var redrive = new Redrive(_client, total, progress);
        if (total > 0)
            await redrive.RunAsync(deadLetterTopic, cancellationToken);
        return redrive.Progress;
    }

    private static bool IsRedrive(SubscriptionDescription subscription) =>
        string.Equals(subscription.Name, DeadLetterHeaders.RedriveSubscription, StringComparison.Ordinal);

    private static long AckedUpTo(TopicDescription topic, PartitionDescription partition) => Math.Max(partition.StartOffset,
        topic.Subscriptions.FirstOrDefault(s => IsRedrive(s) && s.Partition == partition.Partition)?.AckedUpTo ?? 0);

    private async Task<TopicDescription?> DescribeAsync(string topic, CancellationToken cancellationToken)
    {
        try
        {
            return await _client.Topics.DescribeAsync(topic, cancellationToken);
        }
        catch (CometException e) when (e.Code == ErrorCode.TopicNotFound)
        {
            return null;
        }
    }
}

/// <summary>How much is moved back. Immutable.</summary>
public sealed record RedriveOptions
{
    /// <summary>At most so many messages. Default: all that are there.</summary>
    public long MaxMessages { get; init; } = long.MaxValue;
}

/// <summary>How far a redrive has come.</summary>
/// <param name="Moved">How many messages were moved back.</param>
/// <param name="Left">How many were left in the dead-letter topic, because they do not say where they come from.</param>
/// <param name="Total">How many there are to look at.</param>
public sealed record RedriveProgress(long Moved, long Left, long Total);

/// <summary>A message that a subscription has given up.</summary>
/// <param name="Id">Its id in the dead-letter topic.</param>
/// <param name="Origin">The id that it had; null when it does not say.</param>
/// <param name="Subscription">The subscription that gave it up.</param>
/// <param name="Reason"><see cref="DeadLetterHeaders.MaxDeliveries"/> or <see cref="DeadLetterHeaders.GivenUp"/>.</param>
/// <param name="Exception">What the program said when it gave the message back or up, or how else it came back.</param>
/// <param name="Deliveries">How often it was delivered.</param>
/// <param name="Time">When it was given up, by the broker's clock.</param>
/// <param name="Key">Its key; null when it has none.</param>
/// <param name="Headers">All its headers.</param>
/// <param name="Payload">Its payload.</param>
public sealed record DeadLetter(
    MessageId Id, MessageId? Origin, string? Subscription, string? Reason, string? Exception, int Deliveries, DateTimeOffset Time,
    string? Key, MessageHeaders Headers, ReadOnlyMemory<byte> Payload)
{
    internal static DeadLetter From(Delivery<ReadOnlyMemory<byte>> delivery)
    {
        var headers = delivery.Headers;
        return new(
            delivery.Id,
            MessageId.TryParse(headers[DeadLetterHeaders.Origin], CultureInfo.InvariantCulture, out var origin) ? origin : null,
            headers[DeadLetterHeaders.Subscription],
            headers[DeadLetterHeaders.Reason],
            headers[DeadLetterHeaders.Exception],
            int.TryParse(headers[DeadLetterHeaders.Deliveries], NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 0,
            DateTimeOffset.TryParse(headers[DeadLetterHeaders.Time], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal,
                out var time) ? time : delivery.AppendTime,
            delivery.Key,
            headers,
            delivery.Payload);
    }
}
