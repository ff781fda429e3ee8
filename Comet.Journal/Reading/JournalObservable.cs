namespace Comet.Journals.Reading;

/// <summary>A journal as a cold observable: each subscription reads with a reader of its own.</summary>
internal sealed class JournalObservable<T>(Func<JournalReader<T>> createReader) : IObservable<JournalEntry<T>>
{
    public IDisposable Subscribe(IObserver<JournalEntry<T>> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        var subscription = new Subscription();
        // Records that are there already are delivered on the pool, too: whoever subscribes gets the handle first.
        _ = Task.Run(() => RunAsync(observer, subscription.Token), CancellationToken.None);
        return subscription;
    }

    private async Task RunAsync(IObserver<JournalEntry<T>> observer, CancellationToken cancellationToken)
    {
        try
        {
            using var reader = createReader();
            await foreach (var entry in reader.ReadAllAsync(cancellationToken))
            {
                if (cancellationToken.IsCancellationRequested)
                    return;
                observer.OnNext(entry);
            }
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // The subscription was disposed: the observer hears nothing more, also not that the journal was closed at the same moment.
        }
        catch (ObjectDisposedException closed) when (closed.ObjectName == typeof(Journal).FullName)
        {
            observer.OnCompleted();
        }
        catch (Exception failed)
        {
            observer.OnError(failed);
        }
    }

    private sealed class Subscription : IDisposable
    {
        private readonly CancellationTokenSource _source = new();

        public CancellationToken Token => _source.Token;

        public void Dispose() => _source.Cancel();
    }
}
