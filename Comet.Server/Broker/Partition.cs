using System.Diagnostics.CodeAnalysis;
using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>One partition of a topic: a synchronous, deterministic machine that is driven by commands and answers to peers. It reads
/// no clock, waits for nothing and is never entered by two threads; <see cref="PartitionActor"/> sees to that.</summary>
internal sealed partial class Partition : IDisposable
{
    private readonly IPartitionLog _log;
    private readonly PartitionSettings _settings;
    private readonly ProducerTable _producers;
    private readonly BatchCutter _cutter;
    private readonly Dispatcher _dispatcher;
    private readonly SubscriptionTable _subscriptions;
    private readonly PartitionPolicy _policy;
    private readonly Watchdog _watchdog;
    private readonly PartitionSchedules _schedules;
    private readonly PartitionSaves _saves;
    private readonly PartitionPoints _points;
    private readonly Queue<PendingConfirm> _pending = new();
    private Durability _wantedLevel;
    private long _wantedOffset;
    private bool _isRecovered;
    private ErrorCode _closedWith;
    private string _closedBecause = "";
    private string? _offlineBecause;

    public Partition(string topic, int number, IPartitionLog log, FencingToken fence, PartitionSettings settings)
    {
        (Topic, Number, _log, Fence, _settings) = (topic, number, log, fence, settings);
        _isRecovered = settings.Store is null;
        log.Durability = settings.Policy.DefaultDurability;
        _producers = new ProducerTable(settings.MaxRememberedProducers, settings.ProducerMemoryTtl, settings.PlantedBug);
        _cutter = new BatchCutter(settings.MaxRecordsLength);
        var delays = new DelayIndex(settings.ScheduleBudget, OpenSpill(settings));
        _dispatcher = new Dispatcher(log, _cutter, settings.MaxOutstandingMessages) { Pending = delays };
        _saves = new PartitionSaves(settings.Store) { Inbox = command => Inbox?.Invoke(command) };
        _subscriptions = new SubscriptionTable(log, fence, delays, Counters, _saves, settings.PlantedBug);
        _schedules = new PartitionSchedules(log, _subscriptions, delays, _saves, settings.MaxRecordsLength);
        _points = new PartitionPoints(settings, log, _producers, _schedules, _saves) { Inbox = command => Inbox?.Invoke(command) };
        _policy = new PartitionPolicy(log, fence, _subscriptions, delays, settings.Policy);
        _schedules.Released = _policy.Released;
        _watchdog = new Watchdog(topic, number, log, settings, delays, _policy);
    }

    public string Topic { get; }

    public int Number { get; }

    public FencingToken Fence { get; }

    /// <summary>How many messages have gone through. May be read from anywhere.</summary>
    public PartitionCounters Counters { get; } = new();

    /// <summary>How answers to what the partition has asked for come back to it: its owner takes them in as commands.</summary>
    public Action<PartitionCommand>? Inbox { get; set; }

    /// <summary>Whether something was appended that is not committed, at the topic's level or at a producer's.</summary>
    public bool NeedsCommit => _closedWith == ErrorCode.None && _isRecovered
        && (_log.EndOffset > _log.StableOffset || (_wantedLevel != Durability.None && _log.ReachedOffset(_wantedLevel) < _wantedOffset));

    /// <summary>Why it is offline; null while it is not. May be read from any thread.</summary>
    public string? OfflineBecause
    {
        get => Volatile.Read(ref _offlineBecause);
        private set => Volatile.Write(ref _offlineBecause, value);
    }

    /// <summary>When <see cref="CommandKind.Wake"/> is due without another command; <see cref="long.MaxValue"/> for never.</summary>
    /// <remarks>Closed, it has nothing to do any more: a timer for what was due would fire for ever.</remarks>
    public long NextDue => _closedWith != ErrorCode.None ? long.MaxValue
        : Math.Min(NextOwnDue, Math.Min(_subscriptions.NextDue, Math.Min(_saves.NextDue, _points.NextDue)));

    /// <summary>When it has something to do that it would have to do in another process as well.</summary>
    private long NextOwnDue => Math.Min(_policy.NextDue, _schedules.Index.NextDue);

    /// <summary>What waits for its time.</summary>
    public DelayIndex Delays => _schedules.Index;

    /// <summary>Who produces, and what of it is remembered.</summary>
    public ProducerTable Producers => _producers;

    public ValueTask CommitAsync(CancellationToken cancellationToken) => _log.CommitAsync(Fence, cancellationToken);

    /// <summary>As <see cref="IPartitionLog.TryPrepareCommit"/>.</summary>
    public bool TryPrepareCommit() => _log.TryPrepareCommit(Fence);

    /// <summary>As <see cref="IPartitionLog.CommitPrepared"/>. Not by the owner.</summary>
    public void CommitPrepared() => _log.CommitPrepared();

    /// <summary>Carries out one command.</summary>
    /// <param name="command">What to do.</param>
    /// <param name="now">Microseconds since the Unix epoch.</param>
    public void Handle(in PartitionCommand command, long now)
    {
        if (_closedWith != ErrorCode.None)
        {
            RefuseClosed(command);
            return;
        }
        if (!_isRecovered && !TryRecover(command, now))
            return;
        TakePoint(now);
        _watchdog.Begin(command.Kind);
        switch (command.Kind)
        {
            case CommandKind.Publish:
                Publish(command, now);
                break;
            case CommandKind.Ack:
                Ack(command);
                break;
            case CommandKind.Permits:
                command.Consumer!.Grant(command.Number, command.Bytes);
                break;
            case CommandKind.AttachProducer:
                _producers.Attach(command.Producer!, command.CorrelationId, now);
                break;
            case CommandKind.DetachProducer:
                _producers.Detach(command.Producer!, now);
                command.Producer!.Peer.Confirm(command.CorrelationId);
                break;
            case CommandKind.Nack:
                Nack(command, now);
                break;
            case CommandKind.StorageFailed:
                Close(ErrorCode.StorageFailed, (string)command.Detail!);
                break;
            case CommandKind.Delete:
                Close(ErrorCode.TopicDeleted, $"The topic '{Topic}' was deleted.");
                _log.Delete();
                break;
            case CommandKind.Trim:
                _policy.MakeRoom(long.MaxValue);
                break;
            default:
                HandleRare(command, now);
                break;
        }
    }

    /// <summary>Confirms what has become durable, and sends what consumers can take. Called behind each group of commands.</summary>
    public void Advance(long now)
    {
        if (_closedWith != ErrorCode.None || !_isRecovered)
            return;
        var (stable, misses) = (_log.StableOffset, _log.Misses);
        while (_pending.TryPeek(out var confirm) && confirm.StableAt <= _log.ReachedOffset(confirm.Level))
        {
            _pending.Dequeue();
            confirm.Producer.Peer.PublishAnswered(confirm.Bytes);
            confirm.Producer.Peer.Send(
                new PublishedFrame(
                    confirm.Producer.Id, confirm.BaseSequence, confirm.BaseOffset, confirm.Count, confirm.Level, confirm.IsDuplicate),
                confirm.CorrelationId);
        }
        _schedules.Release(_settings.PlantedBug == PlantedBug.ScheduledTooEarly ? now + 300_000 : now);
        _policy.BeforeDispatch(now);
        foreach (var subscription in _subscriptions.All)
        {
            subscription.ReleaseDue(now);
            _dispatcher.Dispatch(subscription, now);
            if (_settings.DeadLetters is { } port)
                subscription.DeadLetters.HandOver(this, _log, _cutter, port, now);
        }
        _policy.AfterDispatch(now);
        _saves.Settle(_subscriptions.All, now, NextOwnDue);
        _points.Settle(now);
        _watchdog.Settle(stable, isReading: _log.Misses != misses);
    }

    public void Dispose()
    {
        (_log as IDisposable)?.Dispose();
        _dispatcher.Dispose();
        _cutter.Dispose();
    }

    private void HandleRare(in PartitionCommand command, long now)
    {
        switch (command.Kind)
        {
            case CommandKind.AttachConsumer:
                _subscriptions.Attach(command.Consumer!, (AttachRequest)command.Detail!, command.CorrelationId, now);
                break;
            case CommandKind.DetachConsumer:
                _subscriptions.Detach(command.Consumer!, now);
                command.Consumer!.Peer.Confirm(command.CorrelationId);
                break;
            case CommandKind.Unsubscribe:
                _subscriptions.Unsubscribe((SubscriptionRequest)command.Detail!, command.CorrelationId);
                break;
            case CommandKind.CreateSubscription:
                _subscriptions.Create((CreateSubscriptionRequest)command.Detail!, command.CorrelationId);
                break;
            case CommandKind.CopySubscriptions:
                var copy = (CopySubscriptionsRequest)command.Detail!;
                copy.Copy(_subscriptions.CopyAll(copy.Peer));
                break;
            case CommandKind.Seek:
                _subscriptions.Seek((SeekRequest)command.Detail!, command.CorrelationId, now);
                break;
            case CommandKind.ChangePolicy:
                var policy = (TopicPolicy)command.Detail!;
                _policy.Change(policy);
                _log.Durability = policy.DefaultDurability;
                break;
            case CommandKind.Schedule:
                _schedules.Handle((ScheduleRequest)command.Detail!, command.CorrelationId, now);
                break;
            case CommandKind.ExtendLease or CommandKind.GiveUp:
                ExtendOrGiveUp(command, now);
                break;
            case CommandKind.DeadLetterAnswered:
                var answer = (DeadLetterAnswer)command.Detail!;
                answer.Letter.Source.DeadLetters.Answered(answer, now);
                break;
            case CommandKind.ReportProgress:
                ReportProgress(command.Consumer!, now);
                break;
            case CommandKind.Describe:
                ((DescriptionCollector)command.Detail!).Add(Describe(), _subscriptions.Describe(Number, _policy));
                break;
            case CommandKind.Explain:
                var collector = (ExplanationCollector)command.Detail!;
                _watchdog.Explain(collector, _subscriptions.Find(collector.Subscription), now);
                break;
            case CommandKind.Wake or CommandKind.Committed or CommandKind.Fetched:
                (command.Detail as Action)?.Invoke();
                break;
            default:
                HandleStorage(command, now);
                break;
        }
    }

    private void Publish(in PartitionCommand command, long now)
    {
        if (!TryPublish(command, now))
            command.Producer!.Peer.PublishAnswered(command.Batch.Length);
    }

    /// <summary>False when the batch is answered already: refused.</summary>
    private bool TryPublish(in PartitionCommand command, long now)
    {
        var producer = command.Producer!;
        if (producer.Memory is not { } memory)
        {
            producer.Peer.Fail(command.CorrelationId, ErrorCode.ProducerNotFound,
                $"The producer '{producer.Name}' is not attached any more; attach it again.");
            return false;
        }
        var header = command.Header;
        switch (ProducerTable.Judge(memory, header, command.Number))
        {
            case SequenceVerdict.Duplicate:
                var offset = memory.FindOffset(header.BaseSequence, header.RecordCount, _log);
                // It waits as well: the first one may not be durable yet, and a confirm says that it is.
                AwaitConfirm(command, offset, isDuplicate: true);
                return true;
            case SequenceVerdict.OutOfOrder:
                producer.Peer.Fail(
                    command.CorrelationId, ErrorCode.SequenceOutOfOrder,
                        $"The batch begins with sequence id {header.BaseSequence}, and the last stored is {memory.LastSequence}.");
                return false;
        }
        memory.NextSequence = header.BaseSequence;
        if (_policy.RefusePublish(Topic, Number) is { } quota)
        {
            producer.Peer.Fail(command.CorrelationId, ErrorCode.BacklogQuotaExceeded, quota);
            return false;
        }
        if (_schedules.Admit(command, now) is { } refusal)
        {
            producer.Peer.Fail(command.CorrelationId, refusal.Code, refusal.Message);
            return false;
        }
        var baseOffset = _log.EndOffset;
        if (!TryAppend(command, now))
        {
            _schedules.NotStored();
            _watchdog.Full(now);
            producer.Peer.Fail(
                command.CorrelationId, ErrorCode.StorageFull,
                    $"There is no room for a batch of '{Topic}': {_log.NoRoom}, and subscriptions still need what it holds. Consume, or "
                    + "make room.");
            return false;
        }
        _schedules.Stored(header, baseOffset);
        memory.Remember(header.BaseSequence, header.RecordCount, baseOffset);
        _points.Appended(header.Length, now);
        Counters.AddStored(header.RecordCount);
        AwaitConfirm(command, baseOffset, isDuplicate: false);
        return true;
    }

    private void AwaitConfirm(in PartitionCommand command, long offset, bool isDuplicate)
    {
        var (producer, header) = (command.Producer!, command.Header);
        var level = producer.Durability == Durability.None ? _log.Durability : producer.Durability;
        if (level > _log.Durability)
            (_wantedLevel, _wantedOffset) = ((Durability)Math.Max((int)level, (int)_wantedLevel), _log.EndOffset);
        _pending.Enqueue(new(producer, command.CorrelationId, header.BaseSequence, offset, header.RecordCount, header.Length,
            _log.EndOffset, level, isDuplicate));
    }

    /// <summary>Appends; when there is no room, first drops what every durable subscription has acked, oldest first.</summary>
    private bool TryAppend(in PartitionCommand command, long now)
    {
        if (_log.TryAppend(Fence, command.Batch.Span, command.Header, now))
            return true;
        _policy.MakeRoom(Math.Max(command.Batch.Length, _log.Bytes / 4));
        if (_log.TryAppend(Fence, command.Batch.Span, command.Header, now))
            return true;
        _settings.RoomWanted?.Invoke();
        _policy.MakeRoom(long.MaxValue);
        return _log.TryAppend(Fence, command.Batch.Span, command.Header, now);
    }

    private void Ack(in PartitionCommand command)
    {
        if (!TryGetSubscription(command, out var subscription))
            return;
        var consumer = command.Consumer!;
        if (command.Cumulative && !subscription.IsOrdered)
        {
            if (command.CorrelationId != 0)
                consumer.Peer.Fail(command.CorrelationId, ErrorCode.Unsupported,
                    $"'{subscription.Name}' is {subscription.Type}: acking all before a message would ack what others hold.");
            return;
        }
        var acked = 0L;
        var ranges = command.Ranges!;
        for (var i = 0; i + 1 < ranges.Length; i += 2)
            acked += subscription.Ack(new(command.Cumulative ? 0 : ranges[i], ranges[i + 1]));
        Counters.AddAcked(acked);
        _saves.Confirm(consumer.Peer, command.CorrelationId);
    }

    private static void Nack(in PartitionCommand command, long now)
    {
        if (!TryGetSubscription(command, out var subscription))
            return;
        var ranges = command.Ranges!;
        var cause = new GiveBackCause(now, command.Number, command.Detail as string);
        for (var i = 0; i + 1 < ranges.Length; i += 2)
            subscription.GiveBack(HeldBy(command), new(ranges[i], ranges[i + 1]), cause);
        command.Consumer!.Peer.Confirm(command.CorrelationId);
    }

    private static void ExtendOrGiveUp(in PartitionCommand command, long now)
    {
        if (!TryGetSubscription(command, out var subscription))
            return;
        var ranges = command.Ranges!;
        for (var i = 0; i + 1 < ranges.Length; i += 2)
        {
            var range = new OffsetRange(ranges[i], ranges[i + 1]);
            if (command.Kind == CommandKind.ExtendLease)
                subscription.Extend(HeldBy(command), range, now);
            else
                subscription.GiveUp(HeldBy(command), range, command.Detail as string, now);
        }
        command.Consumer!.Peer.Confirm(command.CorrelationId);
    }

    private static HeldBy HeldBy(in PartitionCommand command) => new(command.Consumer!, command.DeliveryCount);

    /// <summary>The subscription that a consumer acks to; false when it is refused, because it has none (any more).</summary>
    private static bool TryGetSubscription(in PartitionCommand command, [NotNullWhen(true)] out Subscription? subscription)
    {
        subscription = command.Consumer!.Subscription;
        if (subscription is { IsReader: false })
            return true;
        if (command.CorrelationId != 0)
            command.Consumer.Peer.Fail(command.CorrelationId, ErrorCode.ConsumerNotFound,
                $"The consumer '{command.Consumer.Name}' is not attached to a subscription; attach it again.");
        return false;
    }

    private void ReportProgress(Consumer consumer, long now)
    {
        if (consumer.Subscription is not { } subscription)
            return;
        _watchdog.Beat(subscription, consumer, now);
        var backlog = _policy.BacklogOf(subscription);
        consumer.Peer.Send(new ConsumerProgressFrame(
            consumer.Id, consumer.LastDispatchedOffset, consumer.PermitMessages, consumer.PermitBytes, backlog));
    }

    private PartitionDescription Describe() =>
        _policy.Describe(new(Number, _log.StartOffset, _log.StableOffset, _log.Bytes, _producers.AttachedCount));

    /// <summary>An answer that leaves when what is below <paramref name="StableAt"/> has reached its level.</summary>
    private readonly record struct PendingConfirm(
        Producer Producer, ulong CorrelationId, long BaseSequence, long BaseOffset, int Count, int Bytes, long StableAt, Durability Level,
        bool IsDuplicate);
}
