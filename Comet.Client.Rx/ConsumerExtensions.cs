using System.Reactive.Concurrency;
using Comet.Client.Rx.Bridging;

namespace Comet.Client.Rx;

/// <summary>Consumers, readers and states as observable sequences.</summary>
public static class ConsumerExtensions
{
    /// <summary>A consumer's deliveries as a sequence. Each handle has a loop of its own, and several of them share the messages.</summary>
    /// <param name="consumer">The consumer; it stays the caller's to dispose, which completes the sequence.</param>
    /// <param name="scheduler">Where OnNext is called; null: on the thread pool. Unlike ObserveOn this has no queue without a
    /// limit.</param>
    /// <remarks>The next delivery is taken when OnNext has returned, so a slow observer slows the broker. Disposing the handle ends the
    /// loop: at most an OnNext that is running goes on; a delivery that was taken and not shown is given back. The program acks (see
    /// <see cref="AcknowledgeExtensions"/>). The sequence fails with what the consumer is faulted with. An exception that OnNext throws
    /// ends the sequence and is unhandled, as Rx has it; the delivery is given back.</remarks>
    public static IObservable<Delivery<T>> AsObservable<T>(this Consumer<T> consumer, IScheduler? scheduler = null)
    {
        ArgumentNullException.ThrowIfNull(consumer);
        return AsyncPump<Delivery<T>>.ToObservable(consumer.ReadAllAsync, scheduler, static delivery => delivery.NackAsync(TimeSpan.Zero));
    }

    /// <summary>A reader's messages as a sequence.</summary>
    /// <inheritdoc cref="AsObservable{T}(Consumer{T}, IScheduler?)"/>
    /// <param name="reader">The reader; it stays the caller's to dispose, which completes the sequence.</param>
    /// <param name="scheduler">Where OnNext is called; null: on the thread pool.</param>
    public static IObservable<Delivery<T>> AsObservable<T>(this Reader<T> reader, IScheduler? scheduler = null)
    {
        ArgumentNullException.ThrowIfNull(reader);
        return AsyncPump<Delivery<T>>.ToObservable(reader.ReadAllAsync, scheduler);
    }

    /// <summary>A state as a sequence: the current one, then each change; completes behind a final one.</summary>
    /// <param name="state">client.State, producer.State or consumer.State.</param>
    /// <param name="scheduler">Where OnNext is called; null: on the thread pool.</param>
    public static IObservable<TState> AsObservable<TState>(this StateMonitor<TState> state, IScheduler? scheduler = null)
        where TState : struct, Enum
    {
        ArgumentNullException.ThrowIfNull(state);
        return AsyncPump<TState>.ToObservable(state.WatchAsync, scheduler);
    }
}
