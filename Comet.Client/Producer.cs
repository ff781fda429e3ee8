using System.Threading.Channels;
using Comet.Client.Producing;

namespace Comet.Client;

/// <summary>Sends messages to a topic. Made by
/// <see cref="CometClient.CreateProducerAsync{T}(string, ProducerOptions{T}, CancellationToken)"/>.</summary>
/// <typeparam name="T">What is sent.</typeparam>
/// <remarks>
/// Thread-safe. A confirmed message is stored as the confirm's durability says. When the connection is lost the producer attaches to the
/// next node by itself and sends again what is unconfirmed, under the same sequence ids, so that nothing is stored twice while the broker
/// remembers the producer. Messages of one partition are stored in the order in which they were given.
/// </remarks>
public sealed class Producer<T> : IAsyncDisposable
{
    private readonly ProducerCore _core;
    private readonly MessageEncoder<T> _encoder;
    private readonly ScheduleAdministration _schedules;
    private readonly Action<object> _forget;

    internal Producer(ProducerCore core, MessageEncoder<T> encoder, ScheduleAdministration schedules, Action<object> forget)
    {
        (_core, _encoder, _schedules, _forget) = (core, encoder, schedules, forget);
        Writer = new ProducerChannelWriter<T>(core, encoder);
    }

    /// <summary>The topic.</summary>
    public string Topic => _core.Settings.Topic;

    /// <summary>The name that deduplication goes by.</summary>
    public string Name => _core.Settings.ProducerName;

    /// <summary>How many partitions it sends to.</summary>
    public int PartitionCount => _core.PartitionCount;

    /// <summary>How many messages wait for their confirm at this moment.</summary>
    public int PendingMessages => _core.PendingMessages;

    /// <summary>How many of the confirmed messages were stored already under their sequence ids, and so are not stored again: by an earlier
    /// run, or before a connection was lost.</summary>
    public long DuplicateMessages => _core.Duplicates;

    /// <summary>The highest sequence id that is known to be stored under this name in every partition: a source with positions is sent
    /// again from behind it. -1 when a partition has none. See <see cref="GetLastSequenceId"/> for one partition.</summary>
    public long LastSequenceId => Enumerable.Range(0, PartitionCount).Min(_core.GetLastSequenceId);

    /// <summary>Whether it is attached, and why not.</summary>
    public StateMonitor<ProducerState> State => _core.State;

    /// <summary>A sink without a confirm for each message: writing waits while the window (MaxPendingMessages, MaxPendingBytes) is full.
    /// When a batch is refused for good the producer is faulted, and writing throws. Use <see cref="FlushAsync"/> to know that all is
    /// confirmed. Completing it ends the writer, not the producer.</summary>
    public ChannelWriter<T> Writer { get; }

    /// <summary>The highest sequence id that is known to be stored under this name in a partition: as the broker said when the producer
    /// was attached, or as it was confirmed since. -1 when there is none, or the broker has forgotten the name.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such partition.</exception>
    public long GetLastSequenceId(int partition)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(partition);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(partition, PartitionCount);
        return _core.GetLastSequenceId(partition);
    }

    /// <summary>Sends a value and completes when it is confirmed.</summary>
    /// <param name="value">The value.</param>
    /// <param name="cancellationToken">Ends the wait; a message that was taken may still be stored.</param>
    /// <returns>Where it is stored. The offset is -1 for a duplicate so old that the broker has forgotten it.</returns>
    /// <exception cref="CometException">It was not confirmed: <see cref="ErrorCode.Timeout"/> after SendTimeout,
    /// <see cref="ErrorCode.UnserializableValue"/>, <see cref="ErrorCode.MessageTooLarge"/>, <see cref="ErrorCode.Closed"/>, or what the
    /// producer was faulted with.</exception>
    public ValueTask<MessageId> SendAsync(T value, CancellationToken cancellationToken = default) =>
        SendAsync(new OutgoingMessage<T>(value), cancellationToken);

    /// <inheritdoc cref="SendAsync(T, CancellationToken)"/>
    /// <param name="message">The value, with key and headers.</param>
    /// <param name="cancellationToken">Ends the wait; a message that was taken may still be stored.</param>
    public ValueTask<MessageId> SendAsync(OutgoingMessage<T> message, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<MessageId>(cancellationToken);
        try
        {
            if (!_core.TryAppend(message, _encoder, wantsCompletion: true, out var completion))
                return SendLaterAsync(message, cancellationToken);
            return cancellationToken.CanBeCanceled ? new(completion!.Task.AsTask().WaitAsync(cancellationToken)) : completion!.Task;
        }
        catch (CometException e)
        {
            return ValueTask.FromException<MessageId>(e);
        }
    }

    /// <summary>Sends a value that the broker delivers so long from now, and completes when it is confirmed: from then on it is safe as
    /// any other message, and on time whether this program lives or not.</summary>
    /// <param name="value">The value.</param>
    /// <param name="delay">How long from now, by this client's clock; zero or less: at once. At most ten years.</param>
    /// <param name="cancellationToken">Ends the wait; a message that was taken may still be stored.</param>
    /// <returns>The scheduled message: its id, and how to cancel or move it.</returns>
    /// <exception cref="CometException"><see cref="ErrorCode.InvalidArgument"/> for more than ten years; <see cref="ErrorCode.Timeout"/>
    /// with <see cref="ErrorCode.ScheduleLimitReached"/> inside when the broker holds as many as it may for all of SendTimeout; or as
    /// <see cref="SendAsync(T, CancellationToken)"/>.</exception>
    public Task<ScheduledMessage> ScheduleAsync(T value, TimeSpan delay, CancellationToken cancellationToken = default) =>
        ScheduleAsync(new OutgoingMessage<T>(value), delay, cancellationToken);

    /// <inheritdoc cref="ScheduleAsync(T, TimeSpan, CancellationToken)"/>
    /// <param name="value">The value.</param>
    /// <param name="deliverAt">When it is to be delivered, by the broker's clock; a past time: at once. At most ten years ahead.</param>
    /// <param name="cancellationToken">Ends the wait; a message that was taken may still be stored.</param>
    public Task<ScheduledMessage> ScheduleAsync(T value, DateTimeOffset deliverAt, CancellationToken cancellationToken = default) =>
        ScheduleAsync(new OutgoingMessage<T>(value), deliverAt, cancellationToken);

    /// <inheritdoc cref="ScheduleAsync(T, TimeSpan, CancellationToken)"/>
    /// <param name="message">The value, with key and headers. Messages that are scheduled under a key can be cancelled by it.</param>
    /// <param name="delay">How long from now, by this client's clock; zero or less: at once. At most ten years.</param>
    /// <param name="cancellationToken">Ends the wait; a message that was taken may still be stored.</param>
    public async Task<ScheduledMessage> ScheduleAsync(OutgoingMessage<T> message, TimeSpan delay,
        CancellationToken cancellationToken = default) => await ScheduleAsync(message, _schedules.In(delay), cancellationToken);

    /// <inheritdoc cref="ScheduleAsync(T, DateTimeOffset, CancellationToken)"/>
    /// <param name="message">The value, with key and headers. Messages that are scheduled under a key can be cancelled by it.</param>
    /// <param name="deliverAt">When it is to be delivered, by the broker's clock; a past time: at once. At most ten years ahead.</param>
    /// <param name="cancellationToken">Ends the wait; a message that was taken may still be stored.</param>
    public async Task<ScheduledMessage> ScheduleAsync(OutgoingMessage<T> message, DateTimeOffset deliverAt,
        CancellationToken cancellationToken = default) => new(
            _schedules, await SendAsync(message with { DeliverAt = deliverAt }, cancellationToken), deliverAt);

    /// <summary>Hands a message over without waiting for its confirm, as <see cref="Writer"/> does, with key and headers.</summary>
    /// <param name="message">The message.</param>
    /// <param name="cancellationToken">Ends the wait for room in the window.</param>
    /// <exception cref="CometException">The producer has ended, or the value cannot be sent.</exception>
    public ValueTask EnqueueAsync(OutgoingMessage<T> message, CancellationToken cancellationToken = default)
    {
        try
        {
            return _core.TryAppend(message, _encoder, wantsCompletion: false, out _)
                ? ValueTask.CompletedTask
                : EnqueueLaterAsync(message, cancellationToken);
        }
        catch (CometException e)
        {
            return ValueTask.FromException(e);
        }
    }

    /// <summary>Completes when every message that was given so far is confirmed.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.Timeout"/> when for SendTimeout nothing was confirmed, or what the producer
    /// was faulted with.</exception>
    public Task FlushAsync(CancellationToken cancellationToken = default) => _core.FlushAsync(cancellationToken);

    /// <summary>Waits for what is on its way, at most the client's DisposeTimeout, and detaches. What is unconfirmed then fails with
    /// <see cref="ErrorCode.Closed"/>. Never throws; doing it again does nothing.</summary>
    public ValueTask DisposeAsync()
    {
        _forget(this);
        return _core.DisposeAsync();
    }

    private async ValueTask EnqueueLaterAsync(OutgoingMessage<T> message, CancellationToken cancellationToken)
    {
        do
            await _core.WaitForRoomAsync(cancellationToken);
        while (!_core.TryAppend(message, _encoder, wantsCompletion: false, out _));
    }

    private async ValueTask<MessageId> SendLaterAsync(OutgoingMessage<T> message, CancellationToken cancellationToken)
    {
        SendCompletion? completion;
        using var timeout = new CancellationTokenSource(_core.Settings.SendTimeout, _core.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            while (!_core.TryAppend(message, _encoder, wantsCompletion: true, out completion))
                await _core.WaitForRoomAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw _core.NoRoom();
        }
        return await completion!.Task.AsTask().WaitAsync(cancellationToken);
    }
}
