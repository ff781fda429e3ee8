namespace Comet.Client.Replaying;

/// <summary>The messages of several partitions in the order of their append times; holds one message of each.</summary>
internal sealed class ReplayMerge<T> : IAsyncDisposable
{
    private readonly List<ReplaySource<T>> _sources = [];
    private readonly PriorityQueue<(ReplaySource<T> Source, Delivery<T> Delivery), (DateTimeOffset Time, int Partition)> _heads = new();
    private ReplaySource<T>? _taken;

    /// <summary>Adds a source, which is disposed with this.</summary>
    public async Task AddAsync(ReplaySource<T> source, CancellationToken cancellationToken)
    {
        _sources.Add(source);
        await FillAsync(source, cancellationToken);
    }

    /// <summary>The next message; null when all sources are at their ends.</summary>
    public async ValueTask<Delivery<T>?> NextAsync(CancellationToken cancellationToken)
    {
        if (_taken is { } empty)
        {
            await FillAsync(empty, cancellationToken);
            _taken = null;
        }
        if (!_heads.TryDequeue(out var head, out _))
            return null;
        _taken = head.Source;
        return head.Delivery;
    }

    public async ValueTask DisposeAsync() => await Task.WhenAll(_sources.Select(static s => s.DisposeAsync().AsTask()));

    private async ValueTask FillAsync(ReplaySource<T> source, CancellationToken cancellationToken)
    {
        if (await source.NextAsync(cancellationToken) is { } delivery)
            _heads.Enqueue((source, delivery), (delivery.AppendTime, source.Partition));
    }
}
