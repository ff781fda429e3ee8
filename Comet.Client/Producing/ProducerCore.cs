using Comet.Client.Connections;
using Comet.Transport;

namespace Comet.Client.Producing;

/// <summary>A producer without the type of what it sends: partitions, limits, waiting and end. One lock guards all of it; nothing is
/// written to the network, and no user code but the serializer and the router runs, while it is held.</summary>
internal sealed class ProducerCore
{
    // Overdue messages are looked for so many times in one SendTimeout.
    private const int SweepsPerTimeout = 8;

    private readonly Link _link;
    private readonly TopicWatch _watch;
    private readonly PartitionSet<PartitionProducer> _set;
    private readonly SendCompletionPool _completions;
    private readonly ITimer _sweep;
    private TaskCompletionSource? _room;
    private CometException? _end;
    private CometException? _lastRefusal;
    private int _pendingMessages;
    private long _pendingBytes;
    private long _duplicates;
    private long _lastProgress;
    private int _turn;

    /// <param name="link">The client's connection.</param>
    /// <param name="settings">Options.</param>
    /// <param name="partitionCount">How many partitions the topic has.</param>
    /// <param name="watch">Tells when it has more; the producer's to dispose.</param>
    public ProducerCore(Link link, ProducerSettings settings, int partitionCount, TopicWatch watch)
    {
        (_link, Settings, _watch) = (link, settings, watch);
        _completions = new SendCompletionPool(link.Options.Engine);
        // What is sent to a partition that is not attached would only wait.
        _set = new(Gate, joinsAttached: true, (number, _) => new PartitionProducer(this, link, number));
        _set.Start(0, partitionCount);
        var period = settings.SendTimeout / SweepsPerTimeout;
        _sweep = Time.CreateTimer(static self => ((ProducerCore)self!).Sweep(), this, period, period);
    }

    public ProducerSettings Settings { get; }

    public Lock Gate { get; } = new();

    public StateMonitor<ProducerState> State { get; } = new(ProducerState.Reattaching,
        static s => s is ProducerState.Closed or ProducerState.Faulted);

    public int PartitionCount => Partitions.Length;

    private PartitionProducer[] Partitions => _set.All;

    public int PendingMessages => Volatile.Read(ref _pendingMessages);

    public TimeProvider Time => _link.Options.TimeProvider;

    private bool HasRoom => _pendingMessages < Settings.MaxPendingMessages && _pendingBytes < Settings.MaxPendingBytes;

    // Waiters come back when half is free, and not one by one with each confirm.
    private bool HasMuchRoom => _pendingMessages <= Settings.MaxPendingMessages / 2 && _pendingBytes <= Settings.MaxPendingBytes / 2;

    /// <summary>Attaches to all partitions, or throws and leaves nothing behind.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var deadline = Settings.AccessMode == ProducerAccessMode.WaitForExclusive ? Timeout.InfiniteTimeSpan
            : _link.Options.OperationTimeout;
        try
        {
            foreach (var partition in Partitions)
                await partition.StartAsync(deadline, cancellationToken);
            _watch.Listen(count => _set.Grow(count, Fault));
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    /// <summary>Serializes a message into the open batch of its partition; false when there is no room.</summary>
    /// <exception cref="CometException">The producer has ended, or the value cannot be sent.</exception>
    public bool TryAppend<T>(in OutgoingMessage<T> message, MessageEncoder<T> encoder, bool wantsCompletion, out SendCompletion? completion)
    {
        completion = null;
        Connection? toFlush = null;
        try
        {
            lock (Gate)
                return TryAppendLocked(message, encoder, wantsCompletion, ref completion, ref toFlush);
        }
        finally
        {
            toFlush?.Sender.Flush();
        }
    }

    /// <summary>The highest sequence id that is known to be stored in a partition; -1 when there is none.</summary>
    public long GetLastSequenceId(int partition)
    {
        lock (Gate)
            return Partitions[partition].LastStoredSequence;
    }

    /// <summary>Completes with true when there is room.</summary>
    /// <exception cref="CometException">The producer has ended.</exception>
    public async ValueTask WaitForRoomAsync(CancellationToken cancellationToken)
    {
        Task waiting;
        lock (Gate)
        {
            if (_end is not null)
                throw Ended();
            if (HasRoom)
                return;
            _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting = _room.Task;
        }
        await waiting.InContextAsync().WaitAsync(cancellationToken);
    }

    /// <summary>Completes when all messages so far are confirmed.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        Task[] waiting;
        lock (Gate)
        {
            if (_end is not null)
                throw Ended();
            waiting = [.. Partitions.Select(static p => p.WaitForConfirmAsync().InContextAsync())];
        }
        SendOpenBatches();
        await Task.WhenAll(waiting).WaitAsync(cancellationToken);
    }

    /// <summary>How many confirmed messages were stored already.</summary>
    public long Duplicates => Volatile.Read(ref _duplicates);

    /// <summary>Called under the lock.</summary>
    public void Confirmed(int messages, long bytes, bool isDuplicate)
    {
        if (isDuplicate)
            Volatile.Write(ref _duplicates, _duplicates + messages);
        _pendingMessages -= messages;
        _pendingBytes -= bytes;
        _lastProgress = Time.GetTimestamp();
    }

    public void WakeIfRoom()
    {
        TaskCompletionSource? room = null;
        lock (Gate)
        {
            if (_room is not null && HasMuchRoom)
                (room, _room) = (_room, null);
        }
        room?.TrySetResult();
    }

    /// <summary>A partition was attached (null) or detached.</summary>
    public void AttachmentChanged(CometException? reason)
    {
        lock (Gate)
        {
            var areAllAttached = Partitions.All(static p => p.IsAttached);
            _lastRefusal = reason ?? (areAllAttached && HasMuchRoom ? null : _lastRefusal);
            State.Set(areAllAttached ? ProducerState.Attached : ProducerState.Reattaching);
        }
        if (reason is not null)
            ProducerLog.Detached(_link.Logger, Settings.ProducerName, Settings.Topic, reason.Code, reason.Message);
    }

    /// <summary>The producer cannot go on: everything that waits fails with this.</summary>
    public void Fault(CometException fault)
    {
        ProducerLog.Faulted(_link.Logger, Settings.ProducerName, Settings.Topic, fault.Code, fault.Message);
        End(fault);
        State.Set(ProducerState.Faulted, fault);
    }

    /// <summary>Waits for what is on its way, at most the client's DisposeTimeout, and detaches. Never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        var isFirst = State.Current is not (ProducerState.Closed or ProducerState.Faulted);
        using var timeout = new CancellationTokenSource(_link.Options.DisposeTimeout, Time);
        try
        {
            if (isFirst)
                await FlushAsync(timeout.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or CometException)
        {
            ProducerLog.ClosedUnconfirmed(_link.Logger, Settings.ProducerName, Settings.Topic, _pendingMessages);
        }
        End(new CometException(ErrorCode.Closed,
            $"The producer of '{Settings.Topic}' is closed; what was not confirmed may not be stored."));
        State.Set(ProducerState.Closed);
        await _sweep.DisposeAsync();
        _watch.Dispose();
        var partitions = _set.Close();
        await Task.WhenAll(partitions.Select(p => CloseAsync(p, timeout.Token)));
        lock (Gate)
        {
            foreach (var partition in partitions)
                partition.Release();
        }
    }

    private static async Task CloseAsync(PartitionProducer partition, CancellationToken cancellationToken)
    {
        try
        {
            await partition.CloseAsync(cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or CometException)
        {
            // The broker sees the connection end instead.
        }
    }

    private CometException Ended() => new(_end!.Code, _end.Message, _end);

    private bool TryAppendLocked<T>(
        in OutgoingMessage<T> message, MessageEncoder<T> encoder, bool wantsCompletion, ref SendCompletion? completion,
        ref Connection? toFlush)
    {
        if (_end is not null)
            throw Ended();
        if (!HasRoom)
            return false;
        if (_pendingMessages == 0)
            _lastProgress = Time.GetTimestamp();
        var partition = Partitions[encoder.Route(message, Partitions.Length) ?? Turn()];
        var batch = partition.GetOpen(message.SequenceId, ref toFlush);
        var length = encoder.Encode(message, batch.Builder, _link.MaxMessageLength, Time);
        completion = wantsCompletion ? _completions.Rent(Time.GetTimestamp()) : null;
        batch.Added(length, completion);
        _pendingMessages++;
        _pendingBytes += length;
        toFlush = partition.Added(batch) ?? toFlush;
        return true;
    }

    // Without a key: a partition gets a batch, then the next one; one message to each would make batches of one.
    private int Turn()
    {
        if (Partitions[_turn].Open is not { Count: > 0 })
            _turn = (_turn + 1) % Partitions.Length;
        return _turn;
    }

    private void SendOpenBatches()
    {
        foreach (var partition in Partitions)
        {
            Connection? toFlush;
            lock (Gate)
                toFlush = partition.FlushOpen();
            toFlush?.Sender.Flush();
        }
    }

    private void End(CometException reason)
    {
        var failed = new List<SendCompletion>();
        TaskCompletionSource? room;
        lock (Gate)
        {
            if (_end is not null)
                return;
            _end = reason;
            (room, _room) = (_room, null);
            foreach (var partition in Partitions)
            {
                partition.TakeOverdue(long.MaxValue, failed);
                partition.FailWaiters(reason);
            }
        }
        foreach (var completion in failed)
            completion.Fail(reason);
        room?.TrySetException(reason);
        // Nobody may be waiting; an exception that nobody looks at is no fault of the program.
        _ = room?.Task.Exception;
    }

    private void Sweep()
    {
        var failed = new List<SendCompletion>();
        CometException? timeout;
        lock (Gate)
        {
            if (_pendingMessages == 0)
                return;
            var now = Time.GetTimestamp();
            var before = now - (long)(Settings.SendTimeout.TotalSeconds * Time.TimestampFrequency);
            timeout = new CometException(ErrorCode.Timeout, TimeoutMessage(), _lastRefusal);
            foreach (var partition in Partitions)
            {
                partition.TakeOverdue(before, failed);
                if (_lastProgress <= before)
                    partition.FailWaiters(timeout);
            }
        }
        foreach (var completion in failed)
            completion.Fail(timeout);
    }

    /// <summary>What to throw when there was no room for too long.</summary>
    public CometException NoRoom()
    {
        lock (Gate)
            return new(ErrorCode.Timeout, $"{_pendingMessages} messages wait for their confirm, and for "
                + $"{Settings.SendTimeout.TotalSeconds:0.#} s there was no room for another. {TimeoutMessage()}", _lastRefusal);
    }

    private string TimeoutMessage() =>
        $"'{Settings.Topic}' did not confirm within {Settings.SendTimeout.TotalSeconds:0.#} s; the messages stay on their way and may "
            + "still be stored."
        + (_lastRefusal is null ? "" : $" Last: {_lastRefusal.Message}");
}
