using System.Diagnostics.CodeAnalysis;
using Comet.Client.Rx.Bridging;

namespace Comet.Client.Rx;

/// <summary>Operators on the values of deliveries. What comes out are deliveries still, so that everything behind them, Buffer, Window and
/// GroupBy too, carries the lease of the message to where it is acked.</summary>
public static class PipelineExtensions
{
    /// <summary>Maps the value of each delivery; id, key, headers and lease stay with it.</summary>
    /// <param name="source">Deliveries.</param>
    /// <param name="selector">The new value of an old one. When it throws, or the payload does not decode, the delivery is given back, to
    /// come again after a growing delay, and the sequence goes on.</param>
    /// <param name="options">The delays, and who is told of a failure. Null: the defaults. MaxConcurrency has no meaning here.</param>
    public static IObservable<Delivery<TResult>> SelectValue<T, TResult>(
        this IObservable<Delivery<T>> source, Func<T, TResult> selector, AcknowledgeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(selector);
        return new GuardedObservable<T, Delivery<TResult>>(
            source,
            (delivery, [MaybeNullWhen(false)] out result) =>
            {
                result = delivery.WithValue(selector(delivery.Value));
                return true;
            },
            AcknowledgeExtensions.Validated(options));
    }

    /// <summary>Lets through the deliveries whose value fulfils the condition, and acks the rest, so that it does not come again.</summary>
    /// <inheritdoc cref="WhereOrAcknowledge"/>
    public static IObservable<Delivery<T>> WhereValue<T>(
        this IObservable<Delivery<T>> source, Func<T, bool> predicate, AcknowledgeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(predicate);
        return source.WhereOrAcknowledge(delivery => predicate(delivery.Value), options);
    }

    /// <summary>Lets through the deliveries that fulfil the condition, and acks the rest, so that it does not come again.</summary>
    /// <param name="source">Deliveries.</param>
    /// <param name="predicate">What to keep. When it throws, the delivery is given back, to come again after a growing delay, and the
    /// sequence goes on.</param>
    /// <param name="options">The delays, and who is told of a failure. Null: the defaults. MaxConcurrency has no meaning here.</param>
    public static IObservable<Delivery<T>> WhereOrAcknowledge<T>(
        this IObservable<Delivery<T>> source, Func<Delivery<T>, bool> predicate, AcknowledgeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(predicate);
        return new GuardedObservable<T, Delivery<T>>(
            source,
            (delivery, [MaybeNullWhen(false)] out result) =>
            {
                result = delivery;
                if (predicate(delivery))
                    return true;
                Settlement.Forget(delivery.AckAsync());
                return false;
            },
            AcknowledgeExtensions.Validated(options));
    }
}
