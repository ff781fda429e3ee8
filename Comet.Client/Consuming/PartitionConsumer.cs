using System.Buffers;
using Comet.Client.Connections;
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
    private readonly int _windowMessages;
    private readonly long _windowBytes;
    private Connection? _connection;
    private long _wireId = -1;
    private long _epoch = -1;
    private long _nextOffset = -1;
    private long _permitMessages;
    private long _permitBytes;
    private long _takenMessages;
    private long _takenBytes;
    private int _suspiciousReports;

    public PartitionConsumer(ConsumerCore core, Link link, int number, int partitionCount)
        : base(link, number)
    {
        (_core, _settings) = (core, core.Settings);
        _windowMessages = Math.Max(1, _settings.WindowMessages / partitionCount);
        _windowBytes = Math.Max(1024, _settings.WindowBytes / partitionCount);
        Acks = new AckSender(this, _settings, link.Options.TimeProvider);
    }

    public ConsumerCore Core => _core;

    public Lock Gate => _core.Gate;

    public AckSender Acks { get; }

    public long Epoch => _epoch;

    public bool IsAttached => _connection is not null;

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
    public Connection? SendNack(long[] ranges, TimeSpan delay)
    {
        // In the order the program said it: what it has acked before is not given back.
        Acks.SendNow();
        _connection?.Sender.Append(
            new NackFrame(_wireId, (long)Math.Ceiling(delay.TotalMilliseconds), null, ranges), 0, ReadOnlySequence<byte>.Empty);
        return _connection;
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
                break;
            case FrameType.ConsumerClosed:
                var closed = frame.Read<ConsumerClosedFrame>(codec);
                Interrupt(new CometException(closed.Code, closed.Message ?? $"The broker detached the consumer: {closed.Code}."));
                break;
        }
    }

    /// <summary>Detaches from the broker; bounded by the token.</summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        await StopAsync();
        await Acks.DisposeAsync();
        Connection? connection;
        lock (Gate)
        {
            (connection, _connection) = (_connection, null);
            Generation++;
        }
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
                new(_settings.Topic, Number, _settings.Subscription, _settings.Type, _settings.IsDurable, _settings.ConsumerName,
                    (long)start.Kind, start.Value, _settings.PriorityLevel),
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

    /// <summary>Where to begin. A reader goes on behind what was taken, and what has arrived beyond that comes again. A subscription that
    /// a restarted broker does not know any more begins with the first message of the new log: all of them came later than what the old one
    /// had, and none may be missed.</summary>
    private StartPosition PrepareStart()
    {
        if (_settings.IsDurable)
            return _epoch >= 0 ? StartPosition.Earliest : _settings.Start;
        lock (Gate)
        {
            Generation++;
            return _nextOffset >= 0 ? StartPosition.FromOffset(_nextOffset) : _settings.Start;
        }
    }

    protected override void OnDetached(Connection connection, CometException reason)
    {
        lock (Gate)
        {
            connection.Detach(_wireId);
            if (!connection.Ended.IsCompleted && reason.IsTransient)
                connection.Sender.Append(new CloseConsumerFrame(_wireId), 0, ReadOnlySequence<byte>.Empty);
            _connection = null;
        }
        connection.Sender.Flush();
        _core.AttachmentChanged(reason);
    }

    protected override void OnFault(CometException fault) => _core.Fault(fault);

    private void Attached(Connection connection, in SubscribedFrame subscribed)
    {
        lock (Gate)
        {
            Generation++;
            (_connection, _wireId) = (connection, subscribed.ConsumerId);
            connection.Attach(_wireId, this);
            var isOtherLog = _epoch >= 0 && _epoch != subscribed.OwnershipEpoch;
            if (isOtherLog)
                Acks.Drop(new CometException(ErrorCode.ConnectionLost,
                    "The broker has restarted; whether these acks were taken is unknown."));
            _epoch = subscribed.OwnershipEpoch;
            if (_nextOffset < 0 || isOtherLog || _settings.IsDurable)
                _nextOffset = subscribed.NextOffset;
            Acks.SendAgain();
            (_permitMessages, _permitBytes, _takenMessages, _takenBytes) = (0, 0, 0, 0);
            Grant(connection, _windowMessages, _windowBytes);
        }
        connection.Sender.Flush();
        _core.AttachmentChanged(null);
    }

    private void Deliver(int deliveryCount, in ReadOnlySequence<byte> payload)
    {
        var bytes = GC.AllocateUninitializedArray<byte>((int)payload.Length);
        payload.CopyTo(bytes);
        if (!TryReadHeader(bytes, out var header))
            return;
        var batch = new ReceivedBatch(this, bytes, deliveryCount, Generation, _epoch);
        lock (Gate)
        {
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
            var (missingMessages, missingBytes) = (_permitMessages - report.PermitMessages, _permitBytes - report.PermitBytes);
            var isSuspicious = report.Backlog > 0 && (missingMessages > 0 || missingBytes > 0);
            _suspiciousReports = isSuspicious ? _suspiciousReports + 1 : 0;
            if (_suspiciousReports < SuspiciousReports || _connection is not { } connection)
                return;
            _suspiciousReports = 0;
            ConsumerLog.PermitsRepaired(Link.Logger, _settings.ConsumerName, _settings.Topic, Number, missingMessages, missingBytes);
            connection.Sender.Append(
                new PermitsFrame(_wireId, Math.Max(0, missingMessages), Math.Max(0, missingBytes)), 0, ReadOnlySequence<byte>.Empty);
            connection.Sender.Flush();
        }
    }
}
