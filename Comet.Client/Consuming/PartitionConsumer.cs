using System.Buffers;
using Comet.Client.Connections;
using Comet.Client.Diagnostics;
using Comet.Transport;
using Comet.Wire;

namespace Comet.Client.Consuming;

/// <summary>A consumer's side of one partition: its attachment, its permits and its acks. Guarded by the consumer's lock.</summary>
/// <remarks>Each attachment is a generation. What an earlier one has delivered and the program has not taken is dropped: the broker
/// delivers it again, to a reader because it attaches behind what it has taken.</remarks>
internal sealed class PartitionConsumer : PartitionAttachment
{
    // The broker's and our books may differ while permits are on their way, but not over two heartbeats in which none were granted.
    private const int SuspiciousReports = 2;

    private readonly ConsumerCore _core;
    private readonly ConsumerSettings _settings;
    private readonly StartPosition _start;
    private readonly int _windowMessages;
    private readonly long _windowBytes;
    private readonly DeliveryEra _era = new();
    private Connection? _connection;
    private long _wireId = -1;
    private long _nextOffset = -1;
    private long _permitMessages;
    private long _permitBytes;
    private long _takenMessages;
    private long _takenBytes;
    private int _suspiciousReports;
    private bool _hasAsked;

    /// <param name="core">The consumer.</param>
    /// <param name="link">The client's connection.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="number">The partition's number in its topic.</param>
    /// <param name="partitionCount">How many partitions share the consumer's window.</param>
    /// <param name="isLate">Whether the topic has grown by this partition while the consumer was there: then everything in it is
    /// new.</param>
    public PartitionConsumer(ConsumerCore core, Link link, string topic, int number, int partitionCount, bool isLate)
        : base(link, number)
    {
        (_core, _settings, Topic) = (core, core.Settings, topic);
        _start = isLate && _settings.Start.Kind != StartPositionKind.Time ? StartPosition.Earliest : _settings.Start;
        _windowMessages = Math.Max(1, _settings.WindowMessages / partitionCount);
        _windowBytes = Math.Max(1024, _settings.WindowBytes / partitionCount);
        Acks = new AckSender(this, _settings, link.Options.TimeProvider);
        Leases = new LeaseKeeper(this, _settings, link.Options.TimeProvider);
    }

    public string Topic { get; }

    public ConsumerCore Core => _core;

    public Lock Gate => _core.Gate;

    public AckSender Acks { get; }

    public LeaseKeeper Leases { get; }

    /// <summary>What has arrived and was not taken.</summary>
    public Queue<ReceivedBatch> Arrived { get; } = new();

    /// <summary>Whether messages come to this consumer, and not to another one of a failover subscription.</summary>
    public bool IsActive { get; private set; }

    public long Era => _era.Number;

    public bool IsAttached => _connection is not null;

    /// <summary>Behind the last message that was taken; before the first one, where the attachment began.</summary>
    public long NextOffset => Interlocked.Read(ref _nextOffset);

    /// <summary>The last <see cref="Generation"/> in which the broker has said that there was nothing left to deliver; -1 before.</summary>
    public int CaughtUpGeneration { get; private set; } = -1;

    /// <summary>Whether a batch belongs to an attachment that has ended, so that its messages come again.</summary>
    public bool IsStale(ReceivedBatch batch) => batch.Generation != Generation;

    public int Generation { get; private set; }

    /// <summary>A message was taken out of the stream. The caller flushes.</summary>
    public Connection? Taken(long offset)
    {
        _nextOffset = offset + 1;
        _takenMessages++;
        return _takenMessages * 2 >= _windowMessages ? GrantTaken() : null;
    }

    /// <summary>All messages of a batch were taken out of the stream. The caller flushes.</summary>
    public Connection? TakenWhole(ReceivedBatch batch)
    {
        _takenBytes += batch.Length;
        return _takenBytes * 2 >= _windowBytes ? GrantTaken() : null;
    }

    /// <summary>Sends an ack frame; without a connection it stays where it is until there is one.</summary>
    public Connection? SendAck(AckSender.PendingAck ack)
    {
        if (_connection is not { } connection)
            return null;
        var correlationId = connection.Register(ack);
        if (correlationId != 0)
            connection.Sender.Append(new AckFrame(_wireId, ack.IsCumulative, ack.Ranges), correlationId, ReadOnlySequence<byte>.Empty);
        return connection;
    }

    /// <summary>Gives messages back. Without a connection there is nothing to do: they come again anyway.</summary>
    public Connection? SendNack(HeldDeliveries held, long delayMilliseconds, string? reason)
    {
        // In the order the program said it: what it has acked before is not given back.
        Acks.SendNow();
        _connection?.Sender.Append(
            new NackFrame(_wireId, delayMilliseconds, reason, held.Ranges, held.DeliveryCount), 0, ReadOnlySequence<byte>.Empty);
        return _connection;
    }

    /// <summary>Gives messages up for good.</summary>
    public Connection? SendDeadLetters(HeldDeliveries held, string? reason)
    {
        Acks.SendNow();
        _connection?.Sender.Append(
            new DeadLetterFrame(_wireId, reason, held.Ranges, held.DeliveryCount), 0, ReadOnlySequence<byte>.Empty);
        return _connection;
    }

    /// <summary>Begins leases anew.</summary>
    public Connection? SendExtension(long[] ranges, int deliveryCount)
    {
        _connection?.Sender.Append(new ExtendLeaseFrame(_wireId, ranges, deliveryCount), 0, ReadOnlySequence<byte>.Empty);
        return _connection;
    }

    /// <summary>Asks for the heartbeat of the partition now; <see cref="CaughtUpGeneration"/> and <see cref="ConsumerCore.Wake"/> tell when
    /// it has come.</summary>
    public void AskForProgress()
    {
        Connection? connection;
        lock (Gate)
            (connection, _hasAsked) = (_connection, true);
        connection?.Sender.Send(new PermitsFrame(_wireId, 0, 0));
    }

    /// <summary>The broker does not know the consumer any more. Called under the lock; one word of it is enough.</summary>
    public void Refused(CometException refusal)
    {
        if (_connection is null)
            return;
        _connection = null;
        Interrupt(refusal);
    }

    public override void OnFrame(in RawFrame frame, HeaderCodec codec)
    {
        switch (frame.Type)
        {
            case FrameType.Deliver:
                Deliver(frame.Read<DeliverFrame>(codec).DeliveryCount, frame.Payload);
                break;
            case FrameType.ConsumerProgress:
                Compare(frame.Read<ConsumerProgressFrame>(codec));
                if (_hasAsked)
                    _core.Wake();
                break;
            case FrameType.LeaseLost:
                var lost = frame.Read<LeaseLostFrame>(codec);
                List<CancellationTokenSource> tokens;
                lock (Gate)
                    tokens = Leases.Lost(lost.Ranges);
                Cancel(tokens);
                break;
            case FrameType.ConsumerActivity:
                ActivityChanged(frame.Read<ConsumerActivityFrame>(codec).IsActive);
                break;
            case FrameType.ConsumerClosed:
                var closed = frame.Read<ConsumerClosedFrame>(codec);
                // What has arrived and was not taken is from before the subscription was moved.
                lock (Gate)
                    Generation += closed.Code == ErrorCode.SubscriptionMoved ? 1 : 0;
                Interrupt(new CometException(closed.Code, closed.Message ?? $"The broker detached the consumer: {closed.Code}."));
                break;
        }
    }

    /// <summary>Detaches from the broker; bounded by the token.</summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        await StopAsync();
        await Acks.DisposeAsync();
        await Leases.DisposeAsync();
        Connection? connection;
        List<CancellationTokenSource> lost;
        lock (Gate)
        {
            (connection, _connection) = (_connection, null);
            IsActive = false;
            Generation++;
            lost = Leases.LoseAll();
        }
        Cancel(lost);
        if (connection is null || connection.Ended.IsCompleted)
            return;
        connection.Detach(_wireId);
        await Link.RequestAsync<CloseConsumerFrame, OkFrame>(connection, new(_wireId), null, cancellationToken);
    }

    protected override async Task AttachAsync(Connection connection, CancellationToken cancellationToken)
    {
        var isAbandoned = false;
        var start = PrepareStart();
        try
        {
            await Link.RequestAsync<SubscribeFrame, SubscribedFrame>(
                connection,
                new(Topic, Number, _settings.Subscription, _settings.Type, _settings.IsDurable, _settings.ConsumerName,
                    (long)start.Kind, start.Value, _settings.PriorityLevel)
                {
                    Terms = _settings.Terms,
                },
                (c, subscribed) =>
                {
                    if (Volatile.Read(ref isAbandoned))
                        c.Sender.Send(new CloseConsumerFrame(subscribed.ConsumerId));
                    else
                        Attached(c, subscribed);
                },
                cancellationToken);
        }
        catch
        {
            Volatile.Write(ref isAbandoned, true);
            throw;
        }
    }

    /// <summary>Where to begin. A reader, or an ephemeral subscription that has gone meanwhile, goes on behind what was taken, and what has
    /// arrived beyond that comes again. A durable subscription that a restarted broker does not know any more begins with the first message
    /// of the new log: all of them came later than what the old one had, and none may be missed.</summary>
    private StartPosition PrepareStart()
    {
        if (_settings.IsDurable)
            return _era.HasBegun ? StartPosition.Earliest : _start;
        lock (Gate)
        {
            Generation++;
            return _nextOffset >= 0 ? StartPosition.FromOffset(_nextOffset) : _start;
        }
    }

    protected override void OnDetached(Connection connection, CometException reason)
    {
        List<CancellationTokenSource> lost;
        lock (Gate)
        {
            connection.Detach(_wireId);
            if (!connection.Ended.IsCompleted && reason.IsTransient)
                connection.Sender.Append(new CloseConsumerFrame(_wireId), 0, ReadOnlySequence<byte>.Empty);
            _connection = null;
            IsActive = false;
            lost = Leases.LoseAll();
        }
        connection.Sender.Flush();
        Cancel(lost);
        _core.AttachmentChanged(reason);
    }

    protected override void OnFault(CometException fault) => _core.Fault(fault);

    private void Attached(Connection connection, in SubscribedFrame subscribed)
    {
        lock (Gate)
        {
            Generation++;
            (_connection, _wireId) = (connection, subscribed.ConsumerId);
            IsActive = _settings.Type != SubscriptionType.Failover;
            connection.Attach(_wireId, this);
            var isFirst = !_era.HasBegun;
            var change = _era.Attach(subscribed);
            if (change == EraChange.OtherLog)
                Acks.Drop(new CometException(ErrorCode.ConnectionLost,
                    "The broker has restarted; whether these acks were taken is unknown."));
            else if (change == EraChange.Moved)
                Acks.Drop(null);
            if (_nextOffset < 0 || change == EraChange.OtherLog || _settings.IsDurable)
                _nextOffset = subscribed.NextOffset;
            Acks.SendAgain();
            (_permitMessages, _permitBytes, _takenMessages, _takenBytes) = (0, 0, 0, 0);
            if (isFirst || Link.Options.PlantedBug != PlantedBug.PermitsNotGrantedAfterReconnect)
                Grant(connection, _windowMessages, _windowBytes);
        }
        connection.Sender.Flush();
        _core.AttachmentChanged(null);
        if (_hasAsked)
            _core.Wake();
    }

    private void Deliver(int deliveryCount, in ReadOnlySequence<byte> payload)
    {
        var bytes = GC.AllocateUninitializedArray<byte>((int)payload.Length);
        payload.CopyTo(bytes);
        if (!TryReadHeader(bytes, out var header))
            return;
        var batch = new ReceivedBatch(this, bytes, header, deliveryCount, Generation, _era.Epoch, Era);
        lock (Gate)
        {
            Leases.Arrived(batch);
            _permitMessages -= header.RecordCount;
            _permitBytes -= bytes.Length;
            _suspiciousReports = 0;
        }
        _core.Arrived(batch);
    }

    /// <summary>A batch without a readable header faults the consumer, like one with a wrong checksum; another connection would bring it
    /// again.</summary>
    private bool TryReadHeader(byte[] bytes, out RecordBatchHeader header)
    {
        try
        {
            header = RecordBatchHeader.Read(bytes);
            return true;
        }
        catch (CometException e)
        {
            header = default;
            _core.Fault(e);
            return false;
        }
    }

    /// <summary>What one that ceases to be active held goes to the next: what it has not taken yet is dropped, and the window is free
    /// again.</summary>
    private void ActivityChanged(bool isActive)
    {
        List<CancellationTokenSource> lost = [];
        Connection? toFlush = null;
        lock (Gate)
        {
            IsActive = isActive;
            if (!isActive && _connection is { } connection)
            {
                Generation++;
                lost = Leases.LoseAll();
                (_takenMessages, _takenBytes) = (0, 0);
                Grant(connection, _windowMessages - _permitMessages, _windowBytes - _permitBytes);
                toFlush = connection;
            }
        }
        toFlush?.Sender.Flush();
        Cancel(lost);
        _core.ActivityChanged();
    }

    private void Cancel(List<CancellationTokenSource> lost)
    {
        foreach (var source in lost)
            _ = source.CancelSoonAsync(Link.Options.Engine);
    }

    private Connection? GrantTaken()
    {
        if (_connection is { } connection)
            Grant(connection, _takenMessages, _takenBytes);
        (_takenMessages, _takenBytes) = (0, 0);
        return _connection;
    }

    private void Grant(Connection connection, long messages, long bytes)
    {
        _permitMessages += messages;
        _permitBytes += bytes;
        _suspiciousReports = 0;
        connection.Sender.Append(new PermitsFrame(_wireId, messages, bytes), 0, ReadOnlySequence<byte>.Empty);
    }

    /// <summary>The watchdog of a stream that stands still: permits that the broker never got are granted again.</summary>
    private void Compare(in ConsumerProgressFrame report)
    {
        lock (Gate)
        {
            if (report.Backlog == 0)
                CaughtUpGeneration = Generation;
            var (missingMessages, missingBytes) = (_permitMessages - report.PermitMessages, _permitBytes - report.PermitBytes);
            var isSuspicious = report.Backlog > 0 && (missingMessages > 0 || missingBytes > 0);
            _suspiciousReports = isSuspicious ? _suspiciousReports + 1 : 0;
            if (_suspiciousReports < SuspiciousReports || _connection is not { } connection)
                return;
            _suspiciousReports = 0;
            ClientMeter.StallRepaired(Topic, _settings.Subscription);
            ConsumerLog.PermitsRepaired(Link.Logger, _settings.ConsumerName, Topic, Number, missingMessages, missingBytes);
            connection.Sender.Append(
                new PermitsFrame(_wireId, Math.Max(0, missingMessages), Math.Max(0, missingBytes)), 0, ReadOnlySequence<byte>.Empty);
            connection.Sender.Flush();
        }
    }
}
