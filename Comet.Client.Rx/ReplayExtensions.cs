using System.Reactive.Concurrency;
using Comet.Client.Rx.Bridging;

namespace Comet.Client.Rx;

/// <summary>Replays as observable sequences.</summary>
public static class ReplayExtensions
{
    /// <summary>A replay as a sequence: each handle is a replay of its own, from its beginning, at its speed; the sequence completes at its
    /// end.</summary>
    /// <param name="replay">The replay.</param>
    /// <param name="scheduler">Where OnNext is called; null: on the thread pool. The gaps are those of the client's clock.</param>
    /// <remarks>The next message is taken when OnNext has returned, so a slow observer slows the replay. Disposing the handle ends it. It
    /// fails with what the replay fails with.</remarks>
    public static IObservable<Delivery<T>> AsObservable<T>(this Replay<T> replay, IScheduler? scheduler = null)
    {
        ArgumentNullException.ThrowIfNull(replay);
        return AsyncPump<Delivery<T>>.ToObservable(replay.ReadAllAsync, scheduler);
    }
}
