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
        var settings = Validated(options);
        return new AcknowledgedObservable<Delivery<T>>(
            source, handler, settings.MaxConcurrency, static delivery => delivery.AckAsync(),
            (delivery, failure) => Settlement.GiveBackAsync([delivery], failure, settings));
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
        var settings = Validated(options);
        return new AcknowledgedObservable<IList<Delivery<T>>>(
            source, handler, settings.MaxConcurrency, static group => group.AckAllAsync(),
            (group, failure) => Settlement.GiveBackAsync(group, failure, settings));
    }

    /// <summary>Runs a query over each window, as Window makes them, and brings its results. When the window is closed and its query has
    /// completed, all deliveries of the window are acked as one; when the query has failed they are given back as one, to come again after
    /// a growing delay, and the sequence goes on with the next window.</summary>
    /// <param name="source">Windows that do not overlap: a delivery is settled with the first window that has it.</param>
    /// <param name="query">What to do with a window. It subscribes at once, as with every hot sequence. Results that it brings before it
    /// fails are passed on, and come again with the deliveries.</param>
    /// <param name="options">Null: the defaults. MaxConcurrency is how many windows may be closed while their queries still run; beyond
    /// that the source is held. What a window holds when the handle is disposed is given back.</param>
    public static IObservable<TResult> AcknowledgeWindows<T, TResult>(
        this IObservable<IObservable<Delivery<T>>> source, Func<IObservable<Delivery<T>>, IObservable<TResult>> query,
            AcknowledgeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(query);
        return new WindowObservable<T, TResult>(source, query, Validated(options));
    }

    internal static AcknowledgeOptions Validated(AcknowledgeOptions? options)
    {
        var settings = options ?? new AcknowledgeOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.MaxConcurrency, 1, nameof(options));
        return settings;
    }
}
