using System.Diagnostics.CodeAnalysis;

namespace Comet.Client.Rx.Bridging;

/// <summary>One step of a pipeline: true when <paramref name="result"/> goes on, false when the delivery is settled already.</summary>
internal delegate bool PipelineStep<T, TResult>(Delivery<T> delivery, [MaybeNullWhen(false)] out TResult result);

/// <summary>Takes deliveries through a step that runs the program's code. What the step throws gives the delivery back, and the sequence
/// goes on; it never ends by a bad message.</summary>
internal sealed class GuardedObservable<T, TResult>(
    IObservable<Delivery<T>> source, PipelineStep<T, TResult> step, AcknowledgeOptions options) : IObservable<TResult>
{
    public IDisposable Subscribe(IObserver<TResult> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        return source.Subscribe(new Guard(step, options, observer));
    }

    private sealed class Guard(PipelineStep<T, TResult> step, AcknowledgeOptions options, IObserver<TResult> observer)
        : IObserver<Delivery<T>>
    {
        public void OnNext(Delivery<T> value)
        {
            bool goesOn;
            TResult? result;
            try
            {
                goesOn = step(value, out result);
            }
            // Whatever the program's code throws, the message comes again and the sequence goes on.
            catch (Exception e)
            {
                Settlement.Forget(Settlement.GiveBackAsync([value], e, options));
                return;
            }
            if (goesOn)
                observer.OnNext(result!);
        }

        public void OnError(Exception error) => observer.OnError(error);

        public void OnCompleted() => observer.OnCompleted();
    }
}
