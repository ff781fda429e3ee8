using System.Runtime.CompilerServices;
using Comet.Client.Connections;
using Comet.Client.Scheduling;
using Comet.Wire;

namespace Comet.Client;

/// <summary>Cancels, moves, lists and counts messages that wait for their time, whoever has scheduled them. Thread-safe; each request is
/// bounded by the client's OperationTimeout. All may fail with <see cref="ErrorCode.TopicNotFound"/> or because the broker cannot be
/// reached.</summary>
public sealed class ScheduleAdministration
{
    private readonly Link _link;
    private readonly TopicAdministration _topics;

    internal ScheduleAdministration(Link link, TopicAdministration topics) => (_link, _topics) = (link, topics);

    /// <summary>Cancels a scheduled message: it is never delivered, to no subscription.</summary>
    /// <param name="id">The message.</param>
    /// <param name="cancellationToken">Ends the wait; the message may be cancelled.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicNotFound"/>, <see cref="ErrorCode.PartitionNotFound"/>, or the broker
    /// cannot be reached; then asking again is safe.</exception>
    public async Task<CancelResult> CancelAsync(MessageId id, CancellationToken cancellationToken = default) =>
        (CancelResult)(await AskAsync(new CancelScheduledFrame(id.Topic, id.Partition, id.Offset, null), cancellationToken)).Outcome;

    /// <summary>Cancels all scheduled messages of a topic that have this key, and returns how many these were.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="key">The key.</param>
    /// <param name="cancellationToken">Ends the wait; messages may be cancelled.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicNotFound"/>, or the broker cannot be reached.</exception>
    public async Task<long> CancelByKeyAsync(string topic, string key, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        var cancelled = 0L;
        // A router may have put messages of one key anywhere.
        for (var partition = await CountPartitionsAsync(topic, cancellationToken) - 1; partition >= 0; partition--)
            cancelled += (await AskAsync(new CancelScheduledFrame(topic, partition, -1, key), cancellationToken)).Count;
        return cancelled;
    }

    /// <summary>Moves a scheduled message to another time from now on.</summary>
    /// <param name="id">The message.</param>
    /// <param name="delay">How long from now, by this client's clock; zero or less: at once. At most ten years.</param>
    /// <param name="cancellationToken">Ends the wait; the message may be moved.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicNotFound"/>, <see cref="ErrorCode.PartitionNotFound"/>,
    /// <see cref="ErrorCode.InvalidArgument"/> for a time too far away, or the broker cannot be reached.</exception>
    public Task<RescheduleResult> RescheduleAsync(MessageId id, TimeSpan delay, CancellationToken cancellationToken = default) =>
        RescheduleAsync(id, In(delay), cancellationToken);

    /// <inheritdoc cref="RescheduleAsync(MessageId, TimeSpan, CancellationToken)"/>
    /// <param name="id">The message.</param>
    /// <param name="deliverAt">When it is due; a past time: at once. At most ten years ahead.</param>
    /// <param name="cancellationToken">Ends the wait; the message may be moved.</param>
    public async Task<RescheduleResult> RescheduleAsync(MessageId id, DateTimeOffset deliverAt,
        CancellationToken cancellationToken = default) =>
        (RescheduleResult)(await AskAsync(
            new RescheduleFrame(id.Topic, id.Partition, id.Offset, UnixMicroseconds.From(deliverAt)), cancellationToken)).Outcome;

    /// <summary>The scheduled messages of a topic in the order in which they are due. They are asked for in pages as the listing is read,
    /// so what becomes due, is cancelled or is added meanwhile may or may not be among them.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="key">Only messages with this key. Null: all.</param>
    /// <param name="from">Only messages that are due then or later. Null: all.</param>
    /// <param name="to">Only messages that are due then or earlier. Null: all.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicNotFound"/>, or the broker cannot be reached.</exception>
    public async IAsyncEnumerable<ScheduledMessageDescription> ListAsync(
        string topic, string? key = null, DateTimeOffset? from = null, DateTimeOffset? to = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var partitionCount = await CountPartitionsAsync(topic, cancellationToken);
        var first = new PriorityQueue<ScheduledPartition, (long Due, int Partition)>();
        for (var i = 0; i < partitionCount; i++)
        {
            var partition = new ScheduledPartition(_link, new(topic, i, key, First(from), Last(to), long.MinValue, -1, 0));
            if (await partition.MoveNextAsync(cancellationToken))
                first.Enqueue(partition, (partition.Current.DeliverAt, i));
        }
        while (first.TryDequeue(out var partition, out var place))
        {
            var (offset, deliverAt, entryKey, published, length) = partition.Current;
            yield return new(new(topic, place.Partition, offset), UnixMicroseconds.ToTime(deliverAt), entryKey,
                UnixMicroseconds.ToTime(published), length);
            if (await partition.MoveNextAsync(cancellationToken))
                first.Enqueue(partition, (partition.Current.DeliverAt, place.Partition));
        }
    }

    /// <summary>How many messages of a topic wait for their time.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="key">Only messages with this key. Null: all.</param>
    /// <param name="from">Only messages that are due then or later. Null: all.</param>
    /// <param name="to">Only messages that are due then or earlier. Null: all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicNotFound"/>, or the broker cannot be reached.</exception>
    public async Task<long> CountAsync(string topic, string? key = null, DateTimeOffset? from = null, DateTimeOffset? to = null,
        CancellationToken cancellationToken = default)
    {
        var count = 0L;
        for (var partition = await CountPartitionsAsync(topic, cancellationToken) - 1; partition >= 0; partition--)
            count += (await AskAsync(new CountScheduledFrame(topic, partition, key, First(from), Last(to)), cancellationToken)).Count;
        return count;
    }

    internal DateTimeOffset In(TimeSpan delay) => DeliveryTime.In(delay, _link.Options.TimeProvider);

    private static long First(DateTimeOffset? from) => from is { } time ? UnixMicroseconds.From(time) : long.MinValue;

    private static long Last(DateTimeOffset? to) => to is { } time ? UnixMicroseconds.From(time) : long.MaxValue;

    private Task<ScheduleResultFrame> AskAsync<TRequest>(TRequest request, CancellationToken cancellationToken)
        where TRequest : struct, IFrame<TRequest> =>
        _link.RequestAsync<TRequest, ScheduleResultFrame>(request, null, cancellationToken);

    private async Task<int> CountPartitionsAsync(string topic, CancellationToken cancellationToken) =>
        (await _topics.DescribeAsync(topic, cancellationToken)).Partitions.Count;
}
