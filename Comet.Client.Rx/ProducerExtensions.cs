namespace Comet.Client.Rx;

/// <summary>Producers as the sink of sequences.</summary>
public static class ProducerExtensions
{
    /// <summary>1,024.</summary>
    public const int DefaultCapacity = 1024;

    /// <summary>A producer as an observer.</summary>
    /// <param name="producer">The producer; it stays the caller's to dispose.</param>
    /// <param name="overflowPolicy">What to do when the source is faster than the broker.</param>
    /// <param name="capacity">How many values wait at most, beside those in the producer's window. Default: 1,024.</param>
    public static ProducerObserver<T> AsObserver<T>(
        this Producer<T> producer, OverflowPolicy overflowPolicy = OverflowPolicy.Wait, int capacity = DefaultCapacity)
    {
        ArgumentNullException.ThrowIfNull(producer);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        return new ProducerObserver<T>(producer, overflowPolicy, capacity);
    }

    /// <summary>Sends everything that a sequence brings.</summary>
    /// <param name="source">The sequence; it is subscribed to at once.</param>
    /// <param name="producer">The producer; it stays the caller's to dispose.</param>
    /// <param name="overflowPolicy">What to do when the source is faster than the broker.</param>
    /// <param name="capacity">How many values wait at most, beside those in the producer's window. Default: 1,024.</param>
    /// <returns>The handle: await its Completion to know that all is confirmed; dispose it to unsubscribe.</returns>
    public static Publication PublishTo<T>(
        this IObservable<T> source, Producer<T> producer, OverflowPolicy overflowPolicy = OverflowPolicy.Wait,
            int capacity = DefaultCapacity)
    {
        ArgumentNullException.ThrowIfNull(source);
        var observer = producer.AsObserver(overflowPolicy, capacity);
        return new Publication(source.Subscribe(observer), observer, observer.Completion, () => observer.DroppedCount);
    }

    /// <summary>Sends everything that a sequence brings, as fast as the broker confirms, and completes when all is confirmed.</summary>
    /// <param name="source">The sequence.</param>
    /// <param name="producer">The producer; it stays the caller's to dispose.</param>
    /// <param name="cancellationToken">Ends the sequence; what was taken stays on its way.</param>
    /// <exception cref="CometException">The producer's fault, or a value that cannot be sent.</exception>
    public static async Task PublishToAsync<T>(this IAsyncEnumerable<T> source, Producer<T> producer,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(producer);
        await foreach (var value in source.WithCancellation(cancellationToken))
            await producer.Writer.WriteAsync(value, cancellationToken);
        await producer.FlushAsync(cancellationToken);
    }
}

/// <summary>A sequence that is being sent. Disposing it unsubscribes from the source and drops what waits in the buffer.</summary>
public sealed class Publication : IDisposable
{
    private readonly IDisposable _handle;
    private readonly IDisposable _observer;
    private readonly Func<long> _dropped;

    internal Publication(IDisposable handle, IDisposable observer, Task completion, Func<long> dropped) =>
        (_handle, _observer, Completion, _dropped) = (handle, observer, completion, dropped);

    /// <summary>Completes when the source has ended and every value is confirmed; faults with the source's error or the producer's fault;
    /// is cancelled by <see cref="Dispose"/>.</summary>
    public Task Completion { get; }

    /// <summary>How many values the overflow policy has dropped.</summary>
    public long DroppedCount => _dropped();

    /// <inheritdoc/>
    public void Dispose()
    {
        _handle.Dispose();
        _observer.Dispose();
    }
}
