using System.Diagnostics.CodeAnalysis;
using Comet.Client.Connections;
using Comet.Transport;
using Comet.Wire;

namespace Comet.Client.Consuming;

/// <summary>A consumer or reader without the type of what it receives: partitions, what has arrived, acks and end. One lock guards all of
/// it; nothing is written to the network, and no user code runs, while it is held.</summary>
internal sealed class ConsumerCore
{
    private const int MaxReasonLength = 1_000;

    private readonly Link _link;
    private readonly List<ConsumedTopic> _topics = [];
    private readonly Dictionary<(string Topic, int Number), PartitionConsumer> _byAddress = [];
    private readonly ArrivalQueue _arrived = new();
    private TaskCompletionSource? _arrival;
    private bool _wasWoken;

    /// <param name="link">The client's connection.</param>
    /// <param name="settings">Options.</param>
    /// <param name="topics">The topics, with how many partitions each has, and what tells when it has more: the consumer's to
    /// dispose.</param>
    /// <param name="serializer">An IMessageSerializer of what is received.</param>
    /// <param name="firstPartition">The number of each topic's first partition.</param>
    public ConsumerCore(
        Link link, ConsumerSettings settings, IReadOnlyList<(string Name, int Partitions, TopicWatch? Watch)> topics, object serializer,
        int firstPartition = 0)
    {
        (_link, Settings, Serializer) = (link, settings, serializer);
        Topics = [.. topics.Select(static t => t.Name)];
        var count = topics.Sum(static t => t.Partitions);
        foreach (var (name, partitions, watch) in topics)
        {
            // Acks by id must find a partition as soon as it delivers.
            var set = new PartitionSet<PartitionConsumer>(Gate, joinsAttached: false, (number, isLate) =>
                new PartitionConsumer(this, link, name, number, isLate ? Partitions.Length + 1 : count, isLate)) { Changed = Gather };
            set.Start(firstPartition, partitions);
            _topics.Add(new(set, watch));
        }
        Gather();
    }

    public IReadOnlyList<string> Topics { get; }

    public ConsumerSettings Settings { get; }

    public object Serializer { get; }

    public Lock Gate { get; } = new();

    public StateMonitor<ConsumerState> State { get; } = new(ConsumerState.Reattaching,
        static s => s is ConsumerState.Closed or ConsumerState.Faulted);

    public StateMonitor<ConsumerActivity> Activity { get; } = new(ConsumerActivity.Standby, static a => a is ConsumerActivity.Closed);

    public int PartitionCount => Partitions.Length;

    /// <summary>The partition of a consumer that has one.</summary>
    public PartitionConsumer OnlyPartition => Partitions.Single();

    /// <summary>Those of all topics, as of one moment.</summary>
    private PartitionConsumer[] Partitions { get; set; } = [];

    public TimeProvider Time => _link.Options.TimeProvider;

    /// <summary>Attaches to all partitions, or throws and leaves nothing behind.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var partition in Partitions)
                await partition.StartAsync(_link.Options.OperationTimeout, cancellationToken);
            foreach (var topic in _topics)
                topic.Watch?.Listen(count => topic.Set.Grow(count, Fault));
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public PartitionConsumer GetPartition(MessageId id)
    {
        lock (Gate)
        {
            if (id.Topic is not null && _byAddress.TryGetValue((id.Topic, id.Partition), out var partition))
                return partition;
        }
        throw new CometException(ErrorCode.InvalidArgument,
            $"{id} is no message of '{Settings.Topic}', of which this consumer has {Partitions.Length} partition(s).");
    }

    public void Arrived(ReceivedBatch batch)
    {
        TaskCompletionSource? arrival;
        lock (Gate)
        {
            if (State.IsFinal)
                return;
            _arrived.Add(batch);
            (arrival, _arrival) = (_arrival, null);
        }
        arrival?.TrySetResult();
    }

    /// <summary>Has who waits look again, or who waits next.</summary>
    public void Wake()
    {
        TaskCompletionSource? arrival;
        lock (Gate)
        {
            (arrival, _arrival) = (_arrival, null);
            _wasWoken = arrival is null;
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
                while (_arrived.TryPeek(out batch))
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
            while ((hasArrived = _arrived.TryPeek(out var batch)) && batch!.IsTaken)
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
            if (!_arrived.IsEmpty || _wasWoken)
            {
                _wasWoken = false;
                return true;
            }
            if (State.IsFinal)
                return State.Fault is null ? false : throw Ended();
            _arrival ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            arrival = _arrival.Task;
        }
        await arrival.InContextAsync().WaitAsync(cancellationToken);
        return true;
    }

    /// <summary>Acks messages that were delivered in an era; -1 stands for the current one.</summary>
    public ValueTask AckAsync(PartitionConsumer partition, long first, long last, long era, bool cumulative,
        CancellationToken cancellationToken)
    {
        Connection? toFlush;
        Task? confirm;
        lock (Gate)
        {
            if (State.IsFinal)
                return ValueTask.FromException(Ended());
            // Delivered by a broker that has lost its memory since, whose offsets mean other messages now, or before the subscription was
            // moved, which is to bring the message again.
            if (Settings.IsReader || (era >= 0 && era != partition.Era))
                return ValueTask.CompletedTask;
            if (era < 0)
                partition.Leases.Settled(first, last);
            toFlush = cumulative ? partition.Acks.AddCumulative(last, out confirm) : partition.Acks.Add(first, last, out confirm);
        }
        toFlush?.Sender.Flush();
        return confirm is null ? ValueTask.CompletedTask : new(ConfirmAsync(confirm, cancellationToken));
    }

    /// <summary>Gives messages back.</summary>
    /// <param name="held">The deliveries.</param>
    /// <param name="delay">Null: what the subscription says.</param>
    /// <param name="reason">Why; for the dead-letter topic.</param>
    public ValueTask NackAsync(HeldDeliveries held, TimeSpan? delay, string? reason)
    {
        if (delay is { } wait)
            ArgumentOutOfRangeException.ThrowIfLessThan(wait, TimeSpan.Zero, nameof(delay));
        var milliseconds = delay is { } d ? (long)Math.Ceiling(d.TotalMilliseconds) : NackFrame.DelayByPolicy;
        return SendHeldAsync(held, () => held.Partition.SendNack(held, milliseconds, Cut(reason)));
    }

    /// <summary>Sends messages to the dead-letter topic.</summary>
    public ValueTask DeadLetterAsync(HeldDeliveries held, string? reason) =>
        SendHeldAsync(held, () => held.Partition.SendDeadLetters(held, Cut(reason)));

    /// <summary>Begins the leases of messages anew.</summary>
    public ValueTask ExtendAsync(HeldDeliveries held) =>
        SendHeldAsync(held, () => held.Partition.SendExtension(held.Ranges, held.DeliveryCount));

    /// <summary>Completes when every ack so far is confirmed.</summary>
    public async Task FlushAcksAsync(CancellationToken cancellationToken)
    {
        var confirms = new List<Task>();
        foreach (var partition in Partitions)
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

    /// <summary>A partition has become active, or is not any more.</summary>
    public void ActivityChanged()
    {
        lock (Gate)
            Activity.Set(Partitions.Any(static p => p.IsActive) ? ConsumerActivity.Active : ConsumerActivity.Standby);
    }

    /// <summary>A partition was attached (null) or detached.</summary>
    public void AttachmentChanged(CometException? reason)
    {
        ActivityChanged();
        lock (Gate)
            State.Set(Partitions.All(static p => p.IsAttached) ? ConsumerState.Attached : ConsumerState.Reattaching);
        if (reason is not null)
            ConsumerLog.Detached(_link.Logger, Settings.ConsumerName, Settings.Topic, reason.Code, reason.Message);
    }

    /// <summary>The consumer cannot go on: the stream ends with this.</summary>
    public void Fault(CometException fault)
    {
        ConsumerLog.Faulted(_link.Logger, Settings.ConsumerName, Settings.Topic, fault.Code, fault.Message);
        End(ConsumerState.Faulted, fault);
    }

    /// <summary>Moves the subscription; on return nothing from before comes out of the stream any more.</summary>
    public async Task SeekAsync(StartPosition position, CancellationToken cancellationToken)
    {
        if (State.IsFinal)
            throw Ended();
        foreach (var partition in Partitions)
        {
            await _link.RequestAsync<SeekFrame, SoughtFrame>(
                new(partition.Topic, partition.Number, Settings.Subscription, (long)position.Kind, position.Value), null,
                    cancellationToken);
        }
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
        foreach (var topic in _topics)
            topic.Watch?.Dispose();
        await Task.WhenAll(_topics.SelectMany(static t => t.Set.Close()).Select(p => CloseAsync(p, timeout.Token)));
    }

    public CometException Ended() => State.Fault is { } fault
        ? new(fault.Code, fault.Message, fault)
        : new(ErrorCode.Closed, $"The consumer of '{Settings.Topic}' is closed.");

    /// <summary>A topic has more partitions. Called under the lock.</summary>
    private void Gather()
    {
        Partitions = [.. _topics.SelectMany(static t => t.Set.All)];
        foreach (var partition in Partitions)
            _byAddress[(partition.Topic, partition.Number)] = partition;
    }

    // The broker keeps no more of it, and a frame has its limit.
    private static string? Cut(string? reason) => reason is { Length: > MaxReasonLength } ? reason[..MaxReasonLength] : reason;

    private ValueTask SendHeldAsync(HeldDeliveries held, Func<Connection?> send)
    {
        Connection? toFlush;
        lock (Gate)
        {
            if (State.IsFinal)
                return ValueTask.FromException(Ended());
            // What an earlier attachment was given comes again by itself, and may be here already: that delivery is another one, and not
            // to be given back.
            if (Settings.IsReader || held.Generation != held.Partition.Generation)
                return ValueTask.CompletedTask;
            toFlush = send();
        }
        toFlush?.Sender.Flush();
        return ValueTask.CompletedTask;
    }

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
            foreach (var partition in Partitions)
                partition.Acks.Drop(fault ?? new CometException(ErrorCode.Closed, $"The consumer of '{Settings.Topic}' is closed."));
            State.Set(state, fault);
            Activity.Set(ConsumerActivity.Closed);
            // What had arrived before a fault is still the program's.
            if (fault is null)
                _arrived.Clear();
            (arrival, _arrival) = (_arrival, null);
        }
        arrival?.TrySetResult();
    }

    private sealed record ConsumedTopic(PartitionSet<PartitionConsumer> Set, TopicWatch? Watch);
}
