using System.Buffers;
using Comet.Client.Connections;
using Comet.Wire;

namespace Comet.Client.Producing;

/// <summary>A producer's side of one partition: the open batch, the batches on their way, and those that wait for their turn. All of it is
/// guarded by the producer's lock.</summary>
/// <remarks>Batches are made without a timer: a message that comes alone leaves at once; while a batch is on its way messages gather for
/// as long as another thread takes to start, and while many are, until a confirm (decision 0007, after J. Nagle, RFC 896). Batches keep
/// their sequence ids for life, so sending one again stores it once.</remarks>
internal sealed class PartitionProducer : PartitionAttachment
{
    // Enough to keep a fast network busy, few enough that batches are large when the broker is slow.
    private const int MaxBatchesInFlight = 8;
    private const int MaxBatchesKept = MaxBatchesInFlight + 2;

    private readonly ProducerCore _core;
    private readonly ProducerSettings _settings;
    private readonly Queue<Batch> _inFlight = new();
    private readonly Queue<Batch> _waiting = new();
    private readonly Stack<Batch> _free = new();
    private readonly List<(int Index, SendCompletion Completion)> _completing = [];
    private readonly SoonFlush _soon;
    private Connection? _connection;
    private long _wireId = -1;
    private long _nextSequence = -1;
    private ITimer? _linger;

    public PartitionProducer(ProducerCore core, Link link, int number)
        : base(link, number) =>
        (_core, _settings, _soon) = (core, core.Settings, new SoonFlush(SoonOver, link.Options.Engine));

    /// <summary>The batch that takes messages.</summary>
    public Batch? Open { get; private set; }

    public bool IsAttached => _connection is not null;

    /// <summary>Whether the next batch would leave at once, so that there is nothing to gather for.</summary>
    private bool HasTurn => _inFlight.Count < MaxBatchesInFlight && _waiting.Count == 0;

    /// <summary>All batches with messages that are not confirmed, oldest first.</summary>
    private IEnumerable<Batch> Unconfirmed => _inFlight.Concat(_waiting).Concat(Open is { Count: > 0 } open ? [open] : []);

    /// <summary>The highest sequence id that is known to be stored; -1 when there is none.</summary>
    public long LastStoredSequence { get; private set; } = -1;

    /// <summary>The id of the next message that is given none.</summary>
    private long NextSequence => Open is { Count: > 0, IsAlone: false } open ? (open.GivenSequence ?? _nextSequence) + open.Count
        : _nextSequence;

    /// <summary>The batch for a message. One that cannot go into the batch that is open, for its id, closes that.</summary>
    public Batch GetOpen(long? sequenceId, ref Connection? toFlush)
    {
        var isNext = sequenceId is null || sequenceId == NextSequence;
        if (Open is { Count: > 0 } open)
        {
            if (isNext && !open.IsAlone)
                return open;
            CloseOpen();
            toFlush = Pump();
        }
        Open ??= _free.TryPop(out var free) ? free : new Batch(this, _settings.ProducerName, _settings.MaxBatchBytes + 4096);
        Open.GivenSequence = isNext ? null : sequenceId;
        Open.IsAlone = !isNext && sequenceId < _nextSequence;
        return Open;
    }

    /// <summary>A message was added to the open batch: sends it when that is due. Returns where to flush, outside the lock.</summary>
    public Connection? Added(Batch open)
    {
        if (IsFull(open) || open.IsAlone)
            CloseOpen();
        else if (HasTurn && _connection is not null)
        {
            if (_settings.Linger > TimeSpan.Zero)
            {
                if (open.Count == 1)
                    ArmLinger();
                return null;
            }
            if (_inFlight.Count > 0)
            {
                _soon.Request();
                return null;
            }
            CloseOpen();
        }
        else
            return null;
        return Pump();
    }

    /// <summary>Sends whatever there is, without waiting for more.</summary>
    public Connection? FlushOpen()
    {
        if (Open is { Count: > 0 })
            CloseOpen();
        return Pump();
    }

    /// <summary>Called on the receive loop.</summary>
    public void OnAnswer(Batch batch, in RawFrame frame, HeaderCodec codec)
    {
        if (frame.Type != FrameType.Published)
        {
            OnRefused(frame.Type == FrameType.Error
                ? PendingAnswer<OkFrame>.ToException(frame.Read<ErrorFrame>(codec))
                : new CometException(ErrorCode.ProtocolViolation, $"The broker answered a Publish with {frame.Type}."));
            return;
        }
        var published = frame.Read<PublishedFrame>(codec);
        Connection? toFlush;
        lock (_core.Gate)
        {
            // An answer that crossed a reattachment: the batch was sent again and is answered again.
            if (!_inFlight.TryPeek(out var first) || first != batch || published.BaseSequence != batch.BaseSequence)
                return;
            var hadTurn = HasTurn;
            _inFlight.Dequeue();
            _core.Confirmed(batch.Count, batch.PendingBytes, published.Duplicate);
            LastStoredSequence = Math.Max(LastStoredSequence, batch.BaseSequence + batch.Count - 1);
            batch.Done?.TrySetResult();
            batch.TakeCompletions(_completing);
            Recycle(batch);
            // What gathered for want of a turn has one now; what lingers by wish goes on.
            if (HasTurn && Open is { Count: > 0 } && !(hadTurn && _settings.Linger > TimeSpan.Zero))
                CloseOpen();
            toFlush = Pump();
        }
        toFlush?.Sender.Flush();
        foreach (var (index, completion) in _completing)
            completion.Complete(new MessageId(_settings.Topic, Number, published.BaseOffset < 0 ? -1 : published.BaseOffset + index));
        _completing.Clear();
        _core.WakeIfRoom();
    }

    public override void OnFrame(in RawFrame frame, HeaderCodec codec)
    {
        var closed = frame.Read<ProducerClosedFrame>(codec);
        Interrupt(new CometException(closed.Code, closed.Message ?? $"The broker detached the producer: {closed.Code}."));
    }

    /// <summary>Takes out all completions that have waited since before <paramref name="before"/>, or all there are.</summary>
    public void TakeOverdue(long before, List<SendCompletion> target)
    {
        foreach (var batch in Unconfirmed)
            batch.TakeOverdue(before, target);
    }

    /// <summary>Completes when the last message so far is confirmed.</summary>
    public Task WaitForConfirmAsync()
    {
        if (Unconfirmed.LastOrDefault() is not { } last)
            return Task.CompletedTask;
        last.Done ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return last.Done.Task;
    }

    /// <summary>Fails all who wait for <see cref="WaitForConfirmAsync"/>.</summary>
    public void FailWaiters(CometException reason)
    {
        foreach (var batch in Unconfirmed)
        {
            batch.Done?.TrySetException(reason);
            batch.Done = null;
        }
    }

    /// <summary>Detaches from the broker; bounded by the token.</summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        await StopAsync();
        Connection? connection;
        lock (_core.Gate)
            (connection, _connection) = (_connection, null);
        if (_linger is not null)
            await _linger.DisposeAsync();
        if (connection is null || connection.Ended.IsCompleted)
            return;
        connection.Detach(_wireId);
        await Link.RequestAsync<CloseProducerFrame, OkFrame>(connection, new(_wireId), null, cancellationToken);
    }

    /// <summary>Gives the memory of all batches back; nothing may be sent any more.</summary>
    public void Release()
    {
        foreach (var batch in _inFlight.Concat(_waiting).Concat(_free).Concat(Open is null ? [] : [Open]))
            batch.Builder.Dispose();
        _inFlight.Clear();
        _waiting.Clear();
        _free.Clear();
        Open = null;
    }

    protected override async Task AttachAsync(Connection connection, CancellationToken cancellationToken)
    {
        var isAbandoned = false;
        try
        {
            await Link.RequestAsync<CreateProducerFrame, ProducerReadyFrame>(
                connection,
                new(_settings.Topic, Number, _settings.ProducerName, _settings.AccessMode, _settings.Durability),
                (c, ready) =>
                {
                    if (Volatile.Read(ref isAbandoned))
                        c.Sender.Send(new CloseProducerFrame(ready.ProducerId));
                    else
                        Attached(c, ready);
                },
                cancellationToken,
                _settings.AccessMode == ProducerAccessMode.WaitForExclusive ? Timeout.InfiniteTimeSpan : null);
        }
        catch
        {
            Volatile.Write(ref isAbandoned, true);
            throw;
        }
    }

    protected override void OnDetached(Connection connection, CometException reason)
    {
        lock (_core.Gate)
        {
            connection.Detach(_wireId);
            _connection = null;
        }
        _core.AttachmentChanged(reason);
    }

    protected override void OnFault(CometException fault) => _core.Fault(fault);

    private void Attached(Connection connection, in ProducerReadyFrame ready)
    {
        lock (_core.Gate)
        {
            // A name that this broker knows goes on behind its last message; what we still hold keeps its ids.
            if (_nextSequence < 0)
                _nextSequence = ready.LastSequenceId + 1;
            LastStoredSequence = Math.Max(LastStoredSequence, ready.LastSequenceId);
            (_connection, _wireId) = (connection, ready.ProducerId);
            connection.Attach(_wireId, this);
            foreach (var batch in _inFlight)
                Send(connection, batch);
            if (HasTurn && Open is { Count: > 0 })
                CloseOpen();
            Pump();
        }
        connection.Sender.Flush();
        _core.AttachmentChanged(null);
    }

    private void OnRefused(CometException refusal)
    {
        lock (_core.Gate)
        {
            // Behind a refused batch all others are refused too; one word is enough, and they are all sent again.
            if (_connection is null)
                return;
            _connection.Detach(_wireId);
            _connection = null;
        }
        Interrupt(refusal);
    }

    private bool IsFull(Batch open) => open.Builder.Length >= _settings.MaxBatchBytes || open.Count >= _settings.MaxBatchMessages;

    private void CloseOpen()
    {
        var batch = Open!;
        Open = null;
        if (_nextSequence < 0)
            _nextSequence = 0;
        var first = batch.GivenSequence ?? _nextSequence;
        batch.Close(first, first > _nextSequence ? _nextSequence + 1 : 0, _settings.Compression);
        _nextSequence = Math.Max(_nextSequence, first + batch.Count);
        _waiting.Enqueue(batch);
    }

    private Connection? Pump()
    {
        if (_connection is not { } connection)
            return null;
        while (_inFlight.Count < MaxBatchesInFlight && _waiting.TryDequeue(out var batch))
        {
            _inFlight.Enqueue(batch);
            Send(connection, batch);
        }
        return connection;
    }

    private void Send(Connection connection, Batch batch)
    {
        var correlationId = connection.Register(batch);
        if (correlationId != 0)
            connection.Sender.Append(new PublishFrame(_wireId, batch.Follows), correlationId, new ReadOnlySequence<byte>(batch.Bytes));
    }

    private void Recycle(Batch batch)
    {
        batch.Reset();
        if (_free.Count < MaxBatchesKept)
            _free.Push(batch);
        else
            batch.Builder.Dispose();
    }

    private void ArmLinger()
    {
        _linger ??= Link.Options.TimeProvider.CreateTimer(
            static self => ((PartitionProducer)self!).LingerOver(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _linger.Change(_settings.Linger, Timeout.InfiniteTimeSpan);
    }

    private void SoonOver()
    {
        Connection? toFlush = null;
        lock (_core.Gate)
        {
            _soon.Arrived();
            if (HasTurn)
                toFlush = FlushOpen();
        }
        toFlush?.Sender.Flush();
    }

    private void LingerOver()
    {
        Connection? toFlush;
        lock (_core.Gate)
            toFlush = FlushOpen();
        toFlush?.Sender.Flush();
    }
}
