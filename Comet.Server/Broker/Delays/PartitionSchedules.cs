using System.Text;
using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>The scheduled messages of a partition: takes them in with their batches, lets go of them when they are due, and answers what
/// clients ask about them.</summary>
internal sealed class PartitionSchedules(
    IPartitionLog log, SubscriptionTable subscriptions, DelayIndex index, PartitionSaves saves, int maxRecordsLength)
{
    private readonly DelayScan _scan = new(maxRecordsLength);
    private readonly List<long> _released = [];
    private ChangedSchedules? _changed;
    private int _admitted;

    public DelayIndex Index => index;

    /// <summary>Called with the offset and the time when a message is released.</summary>
    public Action<long, long>? Released { get; set; }

    /// <summary>Takes room for what a batch holds that is to be delivered later. Null when there is room or nothing of that kind;
    /// otherwise why the batch is refused. Followed by <see cref="Stored"/> or <see cref="NotStored"/>.</summary>
    public CometException? Admit(in PartitionCommand command, long now)
    {
        if ((command.Header.Attributes & RecordBatchAttributes.HasDelayed) == 0)
            return null;
        _scan.Look(command.Batch, command.Header, now);
        if (_scan.Latest - now > ScheduleLimits.MaxDelayMicroseconds)
            return TooFar(_scan.Latest, now);
        if (index.Budget.TryTake(_scan.Found.Count))
        {
            _admitted = _scan.Found.Count;
            return null;
        }
        return new(ErrorCode.ScheduleLimitReached,
            $"{index.Budget.Used} messages wait for their time, and the broker holds {index.Budget.Limit}: cancel some, or raise "
            + $"{nameof(CometServerOptions.MaxScheduledMessages)} (comet serve --max-scheduled).");
    }

    /// <summary>The admitted batch is in the log.</summary>
    public void Stored(in RecordBatchHeader header, long baseOffset)
    {
        if ((header.Attributes & RecordBatchAttributes.HasDelayed) == 0)
            return;
        foreach (var (delta, due, keyHash) in _scan.Found)
            index.Add(baseOffset + delta, due, keyHash);
        index.Settle();
        _admitted = 0;
    }

    /// <summary>The admitted batch is not stored after all.</summary>
    public void NotStored()
    {
        index.Budget.Return(_admitted);
        _admitted = 0;
    }

    /// <summary>Takes up what an earlier process has saved. Followed by <see cref="Recover"/> with what its log has behind the point; with
    /// all of it, when this returns false: what belongs to the point is lost.</summary>
    public bool TryRestore(PartitionState state, RecoveryPoint? point, long now)
    {
        _changed = ChangedSchedules.Of(state);
        index.Recover(isOver: false);
        return point is null || index.TryRestore(point.Delays, _changed, new(log.StartOffset, point.Mark.LastOffset), now);
    }

    /// <summary>Finds again what waits, in a batch that an earlier process has stored.</summary>
    public void Recover(in StoredBatch batch, long now)
    {
        _scan.Recover(index, batch, _changed!, now);
        index.Settle();
    }

    /// <summary>All is recovered.</summary>
    public void Recovered()
    {
        _changed = null;
        index.Recover(isOver: true);
    }

    /// <summary>Gives all room back; nothing is asked any more.</summary>
    public void Close()
    {
        NotStored();
        index.Close();
    }

    /// <summary>Gives what is due to the subscriptions, in the order of due time and offset.</summary>
    public void Release(long now)
    {
        if (index.NextDue > now)
            return;
        // A subscription that stands before messages that wait, with nothing else between, has come past them: so it gets them in the
        // order of their times also when nobody consumed until then.
        foreach (var subscription in subscriptions.All)
            subscription.LeaveOutPending(index.Pending, log.StableOffset);
        while (index.TryRelease(now, out var offset))
        {
            _released.Add(offset);
            Released?.Invoke(offset, now);
        }
        foreach (var subscription in subscriptions.All)
        {
            foreach (var offset in _released)
                subscription.Release(offset);
        }
        _released.Clear();
    }

    public void Handle(ScheduleRequest request, ulong correlationId, long now)
    {
        switch (request)
        {
            case CancelRequest { Key: { } key }:
                AnswerWhenSaved(request, correlationId, now, ScheduleOutcome.Done, CancelKey(key));
                break;
            case CancelRequest { Offset: var offset }:
                var outcome = Cancel(offset) ? ScheduleOutcome.Done : Missing(offset, isDoneWhenCancelled: true);
                AnswerWhenSaved(request, correlationId, now, outcome, outcome == ScheduleOutcome.Done ? 1 : 0);
                break;
            case RescheduleRequest reschedule when reschedule.DeliverAt - now > ScheduleLimits.MaxDelayMicroseconds:
                request.Peer.Fail(correlationId, ErrorCode.InvalidArgument, TooFar(reschedule.DeliverAt, now).Message);
                break;
            case RescheduleRequest reschedule:
                outcome = Reschedule(reschedule) ? ScheduleOutcome.Done : Missing(reschedule.Offset, isDoneWhenCancelled: false);
                AnswerWhenSaved(request, correlationId, now, outcome, outcome == ScheduleOutcome.Done ? 1 : 0);
                break;
            case CountRequest count:
                Answer(request, correlationId, ScheduleOutcome.Done, count.Key is { } counted
                    ? Keyed(counted, count.From, count.To).Count : index.CountBetween(count.From, count.To));
                break;
            case ListRequest list:
                request.Peer.Send(new ScheduledPageFrame(List(list.Frame)), correlationId);
                break;
        }
    }

    private static void Answer(ScheduleRequest request, ulong correlationId, ScheduleOutcome outcome, long count) =>
        request.Peer.Send(new ScheduleResultFrame(outcome, count), correlationId);

    private void AnswerWhenSaved(ScheduleRequest request, ulong correlationId, long now, ScheduleOutcome outcome, long count) =>
        saves.Then(request.Peer, correlationId, now, _ => Answer(request, correlationId, outcome, count));

    private static CometException TooFar(long due, long now) => new(ErrorCode.InvalidArgument,
        $"A message was to wait {TimeSpan.FromMicroseconds(due - now).TotalDays:0.#} days; the longest is "
        + $"{ScheduleLimits.MaxDelay.TotalDays:0} days.");

    private bool Cancel(long offset)
    {
        if (!index.Cancel(offset))
            return false;
        foreach (var subscription in subscriptions.All)
            subscription.Skip(new(offset, offset));
        saves.Scheduled(offset, null);
        return true;
    }

    private long CancelKey(string key)
    {
        var cancelled = Keyed(key, long.MinValue, long.MaxValue);
        foreach (var entry in cancelled)
            Cancel(entry.Offset);
        return cancelled.Count;
    }

    private bool Reschedule(RescheduleRequest request)
    {
        if (!index.Pending.Contains(request.Offset))
            return false;
        Read([request.Offset], (offset, in record) =>
        {
            if (index.Reschedule(offset, record.DeliverAt, request.DeliverAt))
                saves.Scheduled(offset, new(request.DeliverAt, record.DeliverAt));
        });
        return true;
    }

    /// <summary>What to say of a message that does not wait.</summary>
    private ScheduleOutcome Missing(long offset, bool isDoneWhenCancelled)
    {
        if (index.Cancelled.Contains(offset))
            return isDoneWhenCancelled ? ScheduleOutcome.Done : ScheduleOutcome.NotFound;
        var outcome = ScheduleOutcome.NotFound;
        Read([offset], (_, in record) => outcome = record.DeliverAt == 0 ? ScheduleOutcome.NotFound : ScheduleOutcome.AlreadyDelivered);
        return outcome;
    }

    private List<ScheduledEntry> List(in ListScheduledFrame frame)
    {
        var (limit, after) = (Math.Clamp(frame.Limit, 1, ListScheduledFrame.MaxLimit), new DueOffset(frame.AfterDue, frame.AfterOffset));
        if (frame.Key is { } key)
        {
            return [.. Keyed(key, frame.From, frame.To)
                .Where(e => DueOrder.Ascending.Compare(new(e.DeliverAt, e.Offset), after) > 0)
                .OrderBy(static e => e.DeliverAt).ThenBy(static e => e.Offset).Take(limit)];
        }
        var page = new List<DueOffset>();
        index.CopyPage(after, frame.From, frame.To, limit, page);
        var entries = new List<ScheduledEntry>(page.Count);
        var offsets = page.ConvertAll(static e => e.Offset);
        offsets.Sort();
        Read(offsets, (offset, in record) => entries.Add(Describe(offset, record)));
        return [.. entries.OrderBy(static e => e.DeliverAt).ThenBy(static e => e.Offset)];
    }

    private List<ScheduledEntry> Keyed(string key, long from, long to)
    {
        var (bytes, entries, offsets) = (Encoding.UTF8.GetBytes(key), new List<ScheduledEntry>(), new List<long>());
        index.CopyKeyed(KeyHash.Compute(bytes), offsets);
        Read(offsets, (offset, in record) =>
        {
            if (record.HasKey && record.Key.SequenceEqual(bytes) && Describe(offset, record) is var entry
                && entry.DeliverAt >= from && entry.DeliverAt <= to)
                entries.Add(entry);
        });
        return entries;
    }

    private ScheduledEntry Describe(long offset, in Record record) => new(
        offset, index.GetDue(offset, record.DeliverAt), record.HasKey ? Encoding.UTF8.GetString(record.Key) : null, record.Timestamp,
        record.Payload.Length);

    /// <summary>Reads the records at some offsets, which ascend; each batch of them once.</summary>
    private void Read(List<long> offsets, RecordVisitor visit)
    {
        for (var i = 0; i < offsets.Count && log.TryRead(offsets[i], out var batch);)
        {
            var reader = new RecordReader(RecordBatch.GetRecords(batch.Bytes, batch.Header, maxRecordsLength).Span, batch.Header);
            while (reader.TryRead(out var record))
            {
                var offset = batch.BaseOffset + record.OffsetDelta;
                while (i < offsets.Count && offsets[i] < offset)
                    i++;
                if (i < offsets.Count && offsets[i] == offset)
                    visit(offset, record);
            }
            while (i < offsets.Count && offsets[i] <= batch.LastOffset)
                i++;
        }
    }

    private delegate void RecordVisitor(long offset, in Record record);
}
