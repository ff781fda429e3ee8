using System.Diagnostics.CodeAnalysis;
using Comet.Client.Connections;
using Comet.Transport;
using Comet.Wire;

namespace Comet.Client.Consuming;

/// <summary>A consumer or reader without the type of what it receives: partitions, what has arrived, acks and end. One lock guards all of
/// it; nothing is written to the network, and no user code runs, while it is held.</summary>
internal sealed class ConsumerCore
{
    private readonly Link _link;
    private readonly PartitionConsumer[] _partitions;
    // Bounded by the permits: the broker sends no more than they let it. The first one stays until all of it is taken, so that whoever
    // waits sees what another reader of the stream has left.
    private readonly Queue<ReceivedBatch> _arrived = new();
    private TaskCompletionSource? _arrival;

    /// <param name="link">The client's connection.</param>
    /// <param name="settings">Options.</param>
    /// <param name="partitionCount">How many partitions the topic has.</param>
    /// <param name="serializer">An IMessageSerializer of what is received.</param>
    public ConsumerCore(Link link, ConsumerSettings settings, int partitionCount, object serializer)
    {
        (_link, Settings, Serializer) = (link, settings, serializer);
        _partitions = [.. Enumerable.Range(0, partitionCount).Select(i => new PartitionConsumer(this, link, i, partitionCount))];
    }

    public ConsumerSettings Settings { get; }

    public object Serializer { get; }

    public Lock Gate { get; } = new();

    public StateMonitor<ConsumerState> State { get; } = new(ConsumerState.Reattaching,
        static s => s is ConsumerState.Closed or ConsumerState.Faulted);

    public int PartitionCount => _partitions.Length;

    public TimeProvider Time => _link.Options.TimeProvider;

    /// <summary>Attaches to all partitions, or throws and leaves nothing behind.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var partition in _partitions)
                await partition.StartAsync(_link.Options.OperationTimeout, cancellationToken);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public PartitionConsumer GetPartition(MessageId id)
    {
        if (!string.Equals(id.Topic, Settings.Topic, StringComparison.Ordinal) || id.Partition < 0 || id.Partition >= _partitions.Length)
            throw new CometException(ErrorCode.InvalidArgument,
                $"{id} is no message of '{Settings.Topic}', which has {_partitions.Length} partition(s).");
        return _partitions[id.Partition];
    }

    public void Arrived(ReceivedBatch batch)
    {
        TaskCompletionSource? arrival;
        lock (Gate)
        {
            if (State.IsFinal)
                return;
            _arrived.Enqueue(batch);
            (arrival, _arrival) = (_arrival, null);
        }
        arrival?.TrySetResult();
    }

    /// <summary>Takes the next record out of the stream; false when there is none at the moment.</summary>
    public bool TryTake([NotNullWhen(true)] out ReceivedBatch? batch, out int position, out int offsetDelta)
    {
        Connection? toFlush = null;
        try
        {
            lock (Gate)
            {
                while (TryPeekArrived(out batch))
                {
                    if (batch.TryTake(out position, out offsetDelta))
                    {
                        toFlush = batch.Partition.Taken(batch.Header.BaseOffset + offsetDelta) ?? toFlush;
                        return true;
                    }
                    toFlush = batch.Partition.TakenWhole(batch) ?? toFlush;
                    _arrived.Dequeue();
                }
            }
        }
        catch (CometException e)
        {
            // A batch that was stored whole and arrives damaged: nothing behind it can be trusted.
            lock (Gate)
                _arrived.Clear();
            Fault(e);
            throw;
        }
        finally
        {
            toFlush?.Sender.Flush();
        }
        (position, offsetDelta) = (0, 0);
        return false;
    }

    /// <summary>Whether something is there to be taken.</summary>
    public bool HasArrived()
    {
        Connection? toFlush = null;
        bool hasArrived;
        lock (Gate)
        {
            while ((hasArrived = TryPeekArrived(out var batch)) && batch!.IsTaken)
            {
                toFlush = batch.Partition.TakenWhole(batch) ?? toFlush;
                _arrived.Dequeue();
            }
        }
        toFlush?.Sender.Flush();
        return hasArrived;
    }

    /// <summary>Completes with true when something may have arrived, with false when the stream has ended.</summary>
    public async ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
    {
        Task arrival;
        lock (Gate)
        {
            if (_arrived.Count > 0)
                return true;
            if (State.IsFinal)
                return State.Fault is null ? false : throw Ended();
            _arrival ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            arrival = _arrival.Task;
        }
        await arrival.InContextAsync().WaitAsync(cancellationToken);
        return true;
    }

    /// <summary>Acks messages that were delivered under an epoch; -1 stands for the current one.</summary>
    public ValueTask AckAsync(PartitionConsumer partition, long first, long last, long epoch, bool cumulative,
        CancellationToken cancellationToken)
    {
        Connection? toFlush;
        Task? confirm;
        lock (Gate)
        {
            if (State.IsFinal)
                return ValueTask.FromException(Ended());
            // Delivered by a broker that has lost its memory since: its offsets mean other messages now.
            if (!Settings.IsDurable || (epoch >= 0 && epoch != partition.Epoch))
                return ValueTask.CompletedTask;
            toFlush = cumulative ? partition.Acks.AddCumulative(last, out confirm) : partition.Acks.Add(first, last, out confirm);
        }
        toFlush?.Sender.Flush();
        return confirm is null ? ValueTask.CompletedTask : new(ConfirmAsync(confirm, cancellationToken));
    }

    /// <summary>Gives messages back that were delivered under an epoch.</summary>
    public ValueTask NackAsync(PartitionConsumer partition, long[] ranges, TimeSpan delay, long epoch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        Connection? toFlush;
        lock (Gate)
        {
            if (State.IsFinal)
                return ValueTask.FromException(Ended());
            if (!Settings.IsDurable || epoch != partition.Epoch)
                return ValueTask.CompletedTask;
            toFlush = partition.SendNack(ranges, delay);
        }
        toFlush?.Sender.Flush();
        return ValueTask.CompletedTask;
    }

    /// <summary>Completes when every ack so far is confirmed.</summary>
    public async Task FlushAcksAsync(CancellationToken cancellationToken)
    {
        var confirms = new List<Task>();
        foreach (var partition in _partitions)
        {
            Connection? toFlush;
            lock (Gate)
            {
                toFlush = partition.Acks.Flush(out var confirmed);
                confirms.Add(confirmed);
            }
            toFlush?.Sender.Flush();
        }
        await ConfirmAsync(Task.WhenAll(confirms), cancellationToken);
    }

    /// <summary>A partition was attached (null) or detached.</summary>
    public void AttachmentChanged(CometException? reason)
    {
        lock (Gate)
            State.Set(_partitions.All(static p => p.IsAttached) ? ConsumerState.Attached : ConsumerState.Reattaching);
        if (reason is not null)
            ConsumerLog.Detached(_link.Logger, Settings.ConsumerName, Settings.Topic, reason.Code, reason.Message);
    }

    /// <summary>The consumer cannot go on: the stream ends with this.</summary>
    public void Fault(CometException fault)
    {
        ConsumerLog.Faulted(_link.Logger, Settings.ConsumerName, Settings.Topic, fault.Code, fault.Message);
        End(ConsumerState.Faulted, fault);
    }

    /// <summary>Removes the subscription from the broker, with its place in the topic.</summary>
    public async Task UnsubscribeAsync(CancellationToken cancellationToken)
    {
        await DisposeAsync();
        for (var i = 0; i < _partitions.Length; i++)
            await _link.RequestAsync<UnsubscribeFrame, OkFrame>(new(Settings.Topic, i, Settings.Subscription), null, cancellationToken);
    }

    /// <summary>Sends and confirms acks, at most for the client's DisposeTimeout, and detaches. Never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        using var timeout = new CancellationTokenSource(_link.Options.DisposeTimeout, Time);
        try
        {
            if (!State.IsFinal)
                await FlushAcksAsync(timeout.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or CometException)
        {
            ConsumerLog.ClosedUnconfirmed(_link.Logger, Settings.ConsumerName, Settings.Topic, e.Message);
        }
        End(ConsumerState.Closed, null);
        await Task.WhenAll(_partitions.Select(p => CloseAsync(p, timeout.Token)));
    }

    public CometException Ended() => State.Fault is { } fault
        ? new(fault.Code, fault.Message, fault)
        : new(ErrorCode.Closed, $"The consumer of '{Settings.Topic}' is closed.");

    private static async Task CloseAsync(PartitionConsumer partition, CancellationToken cancellationToken)
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

    private bool TryPeekArrived([NotNullWhen(true)] out ReceivedBatch? batch)
    {
        while (_arrived.TryPeek(out batch) && batch.Partition.IsStale(batch))
            _arrived.Dequeue();
        return batch is not null;
    }

    private async Task ConfirmAsync(Task confirm, CancellationToken cancellationToken)
    {
        try
        {
            await confirm.InContextAsync().WaitAsync(_link.Options.OperationTimeout, Time, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new CometException(ErrorCode.Timeout,
                $"Acks of '{Settings.Topic}' were not confirmed within {_link.Options.OperationTimeout.TotalSeconds:0.#} s; they are "
                + "sent again until they are.");
        }
    }

    private void End(ConsumerState state, CometException? fault)
    {
        TaskCompletionSource? arrival;
        lock (Gate)
        {
            foreach (var partition in _partitions)
                partition.Acks.Drop(fault ?? new CometException(ErrorCode.Closed, $"The consumer of '{Settings.Topic}' is closed."));
            State.Set(state, fault);
            // What had arrived before a fault is still the program's.
            if (fault is null)
                _arrived.Clear();
            (arrival, _arrival) = (_arrival, null);
        }
        arrival?.TrySetResult();
    }
}
