using System.Buffers;
using System.Globalization;

namespace Comet.Client.Consuming;

/// <summary>One run that moves dead letters back: reads them in order, sends each to its origin, and acks it when that has
/// confirmed.</summary>
internal sealed class Redrive(CometClient client, long total, IProgress<RedriveProgress>? progress) : IAsyncDisposable
{
    private const int MaxUnderWay = 256;

    private readonly Dictionary<string, Producer<Parcel>> _producers = new(StringComparer.Ordinal);
    private readonly Queue<(Delivery<ReadOnlyMemory<byte>> Letter, Task<MessageId> Sent)> _underWay = new();
    private long _moved;
    private long _left;

    public RedriveProgress Progress => new(_moved, _left, total);

    public async Task RunAsync(string deadLetterTopic, CancellationToken cancellationToken)
    {
        await using var consumer = await client.SubscribeAsync(
            deadLetterTopic, DeadLetterHeaders.RedriveSubscription, new ConsumerOptions<ReadOnlyMemory<byte>>
            {
                StartPosition = StartPosition.Earliest,
            }, cancellationToken);
        for (var taken = 0L; taken < total; taken++)
        {
            var letter = await consumer.ReceiveAsync(cancellationToken);
            var dead = DeadLetter.From(letter);
            if (dead.Origin is not { } origin)
            {
                _left++;
                continue;
            }
            if (_underWay.Count == MaxUnderWay)
                await FinishFirstAsync(cancellationToken);
            var producer = await ProducerOfAsync(origin.Topic, cancellationToken);
            var message = new OutgoingMessage<Parcel>(new(dead.Payload, origin.Partition))
            {
                Key = dead.Key, Headers = HeadersOf(dead), PublishTime = letter.PublishTime,
            };
            _underWay.Enqueue((letter, producer.SendAsync(message, cancellationToken).AsTask()));
        }
        while (_underWay.Count > 0)
            await FinishFirstAsync(cancellationToken);
        await consumer.FlushAcksAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var producer in _producers.Values)
            await producer.DisposeAsync();
    }

    private static MessageHeaders HeadersOf(DeadLetter dead)
    {
        var headers = new MessageHeaders();
        foreach (var (name, value) in dead.Headers)
        {
            if (!name.StartsWith(DeadLetterHeaders.Prefix, StringComparison.Ordinal)
                && !string.Equals(name, DeadLetterHeaders.RedriveCount, StringComparison.Ordinal))
                headers.Add(name, value);
        }
        _ = int.TryParse(dead.Headers[DeadLetterHeaders.RedriveCount], NumberStyles.None, CultureInfo.InvariantCulture, out var before);
        headers.Add(DeadLetterHeaders.RedriveCount, (before + 1).ToString(CultureInfo.InvariantCulture));
        return headers;
    }

    // A message goes to where its key goes; without a key, to the partition it came from.
    private static int Route(OutgoingMessage<Parcel> message, int partitions) => message.Key is { } key
        ? KeyHash.Compute(key) % partitions
        : Math.Min(message.Value.Partition, partitions - 1);

    private async Task FinishFirstAsync(CancellationToken cancellationToken)
    {
        var (letter, sent) = _underWay.Dequeue();
        await sent;
        await letter.AckAsync(cancellationToken);
        _moved++;
        progress?.Report(Progress);
    }

    private async Task<Producer<Parcel>> ProducerOfAsync(string topic, CancellationToken cancellationToken)
    {
        if (_producers.TryGetValue(topic, out var known))
            return known;
        // A topic that is gone is not made anew for its dead letters.
        await client.Topics.DescribeAsync(topic, cancellationToken);
        var producer = await client.CreateProducerAsync(topic, new ProducerOptions<Parcel>
        {
            Router = Route, Serializer = new ParcelSerializer(),
        }, cancellationToken);
        _producers.Add(topic, producer);
        return producer;
    }

    /// <summary>A payload on its way back.</summary>
    internal readonly record struct Parcel(ReadOnlyMemory<byte> Payload, int Partition);

    private sealed class ParcelSerializer : IMessageSerializer<Parcel>
    {
        public void Serialize(Parcel value, IBufferWriter<byte> output) => output.Write(value.Payload.Span);

        public Parcel Deserialize(ReadOnlyMemory<byte> payload) => new(payload, 0);
    }
}
