using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>Sends what a subscription's consumers have permits for: first what must be delivered again, then what is new.</summary>
internal sealed class Dispatcher(IPartitionLog log, BatchCutter cutter, long maxOutstanding)
{
    // Consumers that share take turns of at most so many messages, so that one does not get a whole large batch.
    private const int SharedTurn = 100;

    public void Dispatch(Subscription subscription)
    {
        while (CanGoOn(subscription) && subscription.PickConsumer() is { } consumer)
        {
            var most = subscription.Consumers.Count > 1 ? Math.Min(consumer.PermitMessages, SharedTurn) : consumer.PermitMessages;
            if (subscription.HasRedelivery)
                SendAgain(subscription, consumer, most);
            else
                SendNew(subscription, consumer, most);
        }
    }

    private bool CanGoOn(Subscription subscription) =>
        subscription.HasRedelivery
        || (subscription.Outstanding < maxOutstanding && subscription.PeekNew(log.StartOffset).First < log.StableOffset);

    private void SendAgain(Subscription subscription, Consumer consumer, long most)
    {
        var run = subscription.TakeRedelivery();
        if (!log.TryRead(run.Range.First, out var batch))
            return;
        var last = Math.Min(Math.Min(run.Range.Last, batch.LastOffset), run.Range.First + most - 1);
        if (last < run.Range.Last)
            subscription.PutBackRedelivery(run with { Range = new(last + 1, run.Range.Last) });
        Send(subscription, consumer, batch, new(run.Range.First, last), run.DeliveryCount + 1);
    }

    private void SendNew(Subscription subscription, Consumer consumer, long most)
    {
        var next = subscription.PeekNew(log.StartOffset);
        if (!log.TryRead(next.First, out var batch))
            return;
        // The limit holds within a batch too: batches may be large, and the limit bounds what the broker has to remember.
        var room = Math.Min(most, maxOutstanding - subscription.Outstanding);
        var last = Math.Min(Math.Min(next.Last, batch.LastOffset), next.First + room - 1);
        Send(subscription, consumer, batch, new(next.First, last), 1);
    }

    private void Send(Subscription subscription, Consumer consumer, in StoredBatch batch, OffsetRange range, int deliveryCount)
    {
        var bytes = cutter.Cut(batch, range);
        subscription.Book(consumer, range, deliveryCount);
        consumer.Spend((int)range.Count, bytes.Length);
        consumer.Peer.Send(new DeliverFrame(consumer.Id, deliveryCount), 0, bytes);
    }
}
