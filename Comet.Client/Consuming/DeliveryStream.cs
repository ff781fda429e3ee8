using System.Runtime.CompilerServices;

namespace Comet.Client.Consuming;

/// <summary>The ways to take deliveries out of a consumer or reader.</summary>
internal static class DeliveryStream
{
    public static async IAsyncEnumerable<Delivery<T>> ReadAllAsync<T>(ConsumerCore core,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        do
        {
            while (Delivery<T>.TryTake(core) is { } delivery)
            {
                yield return delivery;
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        while (await core.WaitAsync(cancellationToken));
    }

    public static async ValueTask<Delivery<T>> ReceiveAsync<T>(ConsumerCore core, CancellationToken cancellationToken)
    {
        do
        {
            if (Delivery<T>.TryTake(core) is { } delivery)
                return delivery;
        }
        while (await core.WaitAsync(cancellationToken));
        throw core.Ended();
    }

    public static async Task<DeliveryBatch<T>> ReceiveBatchAsync<T>(
        ConsumerCore core, int maxMessages, TimeSpan maxWait, CancellationToken cancellationToken)
    {
        var taken = new List<Delivery<T>>(Math.Min(maxMessages, 1024));
        TakeMore(core, maxMessages, taken);
        if (taken.Count == maxMessages || maxWait == TimeSpan.Zero)
            return new(taken);
        using var timeout = new CancellationTokenSource(maxWait, core.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            while (taken.Count < maxMessages)
            {
                if (!await core.WaitAsync(either.Token))
                    return taken.Count > 0 ? new(taken) : throw core.Ended();
                TakeMore(core, maxMessages, taken);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The time is over; what is there is the batch.
        }
        catch (OperationCanceledException)
        {
            await new DeliveryBatch<T>(taken).NackAsync(TimeSpan.Zero);
            throw;
        }
        return new(taken);
    }

    private static void TakeMore<T>(ConsumerCore core, int maxMessages, List<Delivery<T>> taken)
    {
        while (taken.Count < maxMessages && Delivery<T>.TryTake(core) is { } delivery)
            taken.Add(delivery);
    }
}
