using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>Sends what a subscription's consumers have permits for: first what must be delivered again, then what was left out and is
/// due now, then what is new.</summary>
internal sealed class Dispatcher(IPartitionLog log, BatchCutter cutter, long maxOutstanding) : IDisposable
{
    // Consumers that share take turns of at most so many messages, so that one does not get a whole large batch.
    private const int SharedTurn = 100;

    // So many neighbours are worth reading ahead for.
    private const int MinPrepared = 64;

    private readonly KeyDispatcher _byKey = new(log, cutter, maxOutstanding);

    /// <summary>What may not be delivered yet; null when nothing is held back.</summary>
    public IPendingOffsets? Pending { get; set; }

    public void Dispatch(Subscription subscription, long now)
    {
        if (subscription.Slots is not null)
        {
            _byKey.Dispatch(subscription, Pending, now);
            return;
        }
        while (subscription.PickConsumer() is { } consumer)
        {
            var most = subscription.Consumers.Count > 1 ? Math.Min(consumer.PermitMessages, SharedTurn) : consumer.PermitMessages;
            if (!TrySendAgain(subscription, consumer, most, now, out var isHeldUp)
                && (isHeldUp || !(TrySendReleased(subscription, consumer, most, now) || TrySendNew(subscription, consumer, most, now))))
                return;
        }
    }

    public void Dispose() => _byKey.Dispose();

    private bool TrySendAgain(Subscription subscription, Consumer consumer, long most, long now, out bool isHeldUp)
    {
        if (!subscription.TryPeekAgain(most, out var run, out isHeldUp))
            return false;
        if (!IsReady(run.Range))
        {
            isHeldUp = true;
            return false;
        }
        if (TryRead(subscription, run.Range.First, out var batch))
            Send(subscription, consumer, batch, run.Range, run.State.DeliveryCount + 1, now);
        return true;
    }

    private bool TrySendReleased(Subscription subscription, Consumer consumer, long most, long now)
    {
        if (!subscription.TryPeekReleased(most, out var range) || !IsReady(range))
            return false;
        if (TryRead(subscription, range.First, out var batch))
            Send(subscription, consumer, batch, range, 1, now);
        return true;
    }

    /// <summary>Whether the batches of a range can be read. A few messages that lie anywhere are read at once: to read ahead takes a piece
    /// of the log for each of them, and another thread.</summary>
    private bool IsReady(OffsetRange range) => range.Count < MinPrepared || log.TryPrepare(range.First);

    private bool TrySendNew(Subscription subscription, Consumer consumer, long most, long now)
    {
        // The limit holds within a batch too: batches may be large, and the limit bounds what the broker has to remember.
        var room = Math.Min(most, maxOutstanding - subscription.Outstanding);
        while (room > 0)
        {
            // What waits is passed over without reading it; there may be millions.
            Pending?.LeaveOut(subscription, log.StableOffset);
            var next = subscription.PeekNew(log.StartOffset, log.StableOffset);
            if (next.First >= log.StableOffset || !log.TryPrepare(next.First) || !log.TryRead(next.First, out var batch))
                return false;
            if (subscription.TrySkipMissing(next, batch.BaseOffset))
                continue;
            var range = new OffsetRange(next.First, Math.Min(next.Last, batch.LastOffset));
            if (Pending is not null && (batch.Header.Attributes & RecordBatchAttributes.HasDelayed) != 0)
                range = Pending.NextDeliverable(subscription, range);
            if (range.Count > 0)
            {
                Send(subscription, consumer, batch, range with { Last = Math.Min(range.Last, range.First + room - 1) }, 1, now);
                return true;
            }
            subscription.LeaveOut(Math.Min(next.Last, batch.LastOffset));
        }
        return false;
    }

    /// <summary>Finds the batch of a message that is to be delivered; one that is gone is skipped.</summary>
    private bool TryRead(Subscription subscription, long offset, out StoredBatch batch)
    {
        if (log.TryRead(offset, out batch) && batch.BaseOffset <= offset)
            return true;
        subscription.Skip(new(offset, Math.Max(offset, log.StartOffset - 1)));
        return false;
    }

    private void Send(Subscription subscription, Consumer consumer, in StoredBatch batch, OffsetRange range, int deliveryCount, long now)
    {
        var sent = range with { Last = Math.Min(range.Last, batch.LastOffset) };
        var bytes = cutter.Cut(batch, sent);
        subscription.Book(consumer, sent, deliveryCount, now);
        consumer.Spend((int)sent.Count, bytes.Length);
        consumer.Peer.Send(new DeliverFrame(consumer.Id, deliveryCount), 0, bytes);
    }
}
