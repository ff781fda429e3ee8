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
    private readonly Action<object> _forget;

    internal Producer(ProducerCore core, MessageEncoder<T> encoder, Action<object> forget)
    {
        (_core, _encoder, _forget) = (core, encoder, forget);
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

    /// <summary>Whether it is attached, and why not.</summary>
    public StateMonitor<ProducerState> State => _core.State;

    /// <summary>A sink without a confirm for each message: writing waits while the window (MaxPendingMessages, MaxPendingBytes) is full.
    /// When a batch is refused for good the producer is faulted, and writing throws. Use <see cref="FlushAsync"/> to know that all is
    /// confirmed. Completing it ends the writer, not the producer.</summary>
    public ChannelWriter<T> Writer { get; }

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

    /// <summary>Hands a message over without waiting for its confirm, as <see cref="Writer"/> does, with key and headers.</summary>
    /// <param name="message">The message.</param>
    /// <param name="cancellationToken">Ends the wait for room in the window.</param>
    /// <exception cref="CometException">The producer has ended, or the value cannot be sent.</exception>
    public async ValueTask EnqueueAsync(OutgoingMessage<T> message, CancellationToken cancellationToken = default)
    {
        while (!_core.TryAppend(message, _encoder, wantsCompletion: false, out _))
            await _core.WaitForRoomAsync(cancellationToken);
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
