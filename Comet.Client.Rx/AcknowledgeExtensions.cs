using System.Reactive.Linq;
using Comet.Client.Rx.Bridging;

namespace Comet.Client.Rx;

/// <summary>Operators that ack what was handled and give back what failed, so that the sequence survives a bad message.</summary>
public static class AcknowledgeExtensions
{
    /// <summary>Runs <paramref name="handler"/> for each delivery: acks it on success; on an exception gives it back, to come again after a
    /// growing delay, and goes on. Brings the deliveries that were acked.</summary>
    /// <param name="source">Deliveries.</param>
    /// <param name="handler">What to do with each.</param>
    /// <param name="options">Null: the defaults. MaxConcurrency has no meaning here.</param>
    public static IObservable<Delivery<T>> Acknowledge<T>(
        this IObservable<Delivery<T>> source, Action<Delivery<T>> handler, AcknowledgeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return source.Acknowledge(
            (delivery, _) =>
            {
                handler(delivery);
                return Task.CompletedTask;
            },
            (options ?? new()) with { MaxConcurrency = 1 });
    }

    /// <summary>Runs an asynchronous <paramref name="handler"/> for each delivery, up to MaxConcurrency at a time; while so many run, the
    /// source is held, which is how back-pressure reaches the broker.</summary>
    /// <inheritdoc cref="Acknowledge{T}(IObservable{Delivery{T}}, Action{Delivery{T}}, AcknowledgeOptions?)"/>
    /// <param name="source">Deliveries.</param>
    /// <param name="handler">What to do with each. Its token is cancelled when the handle is disposed.</param>
    /// <param name="options">Null: the defaults.</param>
    public static IObservable<Delivery<T>> Acknowledge<T>(
        this IObservable<Delivery<T>> source, Func<Delivery<T>, CancellationToken, Task> handler, AcknowledgeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(handler);
        var settings = options ?? new AcknowledgeOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.MaxConcurrency, 1, nameof(options));
        return new AcknowledgedObservable<Delivery<T>>(
            source, handler, settings.MaxConcurrency, static delivery => delivery.AckAsync(),
            (delivery, failure) => GiveBackAsync([delivery], failure, settings));
    }

    /// <summary>Runs <paramref name="handler"/> for each group of deliveries, as Buffer makes them, and acks or gives back all of a
    /// group.</summary>
    /// <inheritdoc cref="Acknowledge{T}(IObservable{Delivery{T}}, Func{Delivery{T}, CancellationToken, Task}, AcknowledgeOptions?)"/>
    public static IObservable<IList<Delivery<T>>> Acknowledge<T>(
        this IObservable<IList<Delivery<T>>> source, Func<IList<Delivery<T>>, CancellationToken, Task> handler,
            AcknowledgeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(handler);
        var settings = options ?? new AcknowledgeOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.MaxConcurrency, 1, nameof(options));
        return new AcknowledgedObservable<IList<Delivery<T>>>(
            source, handler, settings.MaxConcurrency, AckAllAsync, (group, failure) => GiveBackAsync(group, failure, settings));
    }

    /// <summary>Lets through what fulfils the condition, and acks the rest, so that it does not come again.</summary>
    /// <param name="source">Deliveries.</param>
    /// <param name="predicate">What to keep. When it throws, the sequence fails.</param>
    public static IObservable<Delivery<T>> WhereOrAcknowledge<T>(this IObservable<Delivery<T>> source, Func<Delivery<T>, bool> predicate)
    {
        ArgumentNullException.ThrowIfNull(predicate);
        return source.Where(delivery =>
        {
            if (predicate(delivery))
                return true;
            Forget(delivery.AckAsync());
            return false;
        });
    }

    // The ack is kept and sent again until it is confirmed; a consumer that has ended ends the sequence by itself.
    private static void Forget(ValueTask acking)
    {
        if (!acking.IsCompletedSuccessfully)
            _ = acking.AsTask().ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default);
    }

    private static async ValueTask AckAllAsync<T>(IList<Delivery<T>> group)
    {
        foreach (var delivery in group)
            await delivery.AckAsync();
    }

    private static async ValueTask GiveBackAsync<T>(IList<Delivery<T>> group, Exception failure, AcknowledgeOptions options)
    {
        options.OnFailure?.Invoke(failure);
        foreach (var delivery in group)
            await delivery.NackAsync(options.NackDelay(delivery.DeliveryCount));
    }
}
