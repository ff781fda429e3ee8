namespace Comet.Cli.Bench;

/// <summary>Keeps a sender from running far ahead of a receiver, so that a scenario measures the two and not the broker's memory: what was
/// sent and not yet received stays within <see cref="MaxMessages"/>.</summary>
internal sealed class Backlog : IDisposable
{
    /// <summary>As the published figures of the peers were measured with (docs/performance.md).</summary>
    public const int MaxMessages = 10_000;

    // Counted in portions, so that both sides pay next to nothing for a message.
    private const int Portion = 500;

    private readonly SemaphoreSlim _portions = new(MaxMessages / Portion);

    /// <summary>To be awaited before the message of that number, from 0, is sent.</summary>
    public Task BeforeSendAsync(long number) => number % Portion == 0 ? _portions.WaitAsync() : Task.CompletedTask;

    /// <summary>So many messages, from 1, have been received.</summary>
    public void Received(long count)
    {
        if (count % Portion == 0)
            _portions.Release();
    }

    public void Dispose() => _portions.Dispose();
}
