using System.Reactive.Linq;
using System.Reactive.Threading.Tasks;

namespace Quickstart;

internal static class Pipelines
{
    /// <summary>Subscribes at once, unlike awaiting the sequence, and completes with its first value.</summary>
    public static Task<T> FirstAsync<T>(IObservable<T> source) => source.FirstAsync().ToTask();
}
