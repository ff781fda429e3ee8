namespace Comet.Client.Connections;

/// <summary>How long to wait before something that failed for a while is tried again: doubling, with jitter. Not thread-safe.</summary>
internal sealed class Backoff(CometClientOptions options)
{
    // A jitter of a fifth keeps a thousand clients of one broker from coming back in the same millisecond.
    private const double Jitter = 0.2;

    private readonly Random _random = options.Randomness ?? new Random();
    private TimeSpan _next = options.Reconnect.InitialDelay;

    public void Reset() => _next = options.Reconnect.InitialDelay;

    public Task WaitAsync(CancellationToken cancellationToken) => Task.Delay(Next(), options.TimeProvider, cancellationToken);

    /// <summary>The next delay; each is twice the one before, up to the longest.</summary>
    public TimeSpan Next()
    {
        var delay = _next * (1 + (Jitter * ((2 * _random.NextDouble()) - 1)));
        _next = _next * 2 < options.Reconnect.MaxDelay ? _next * 2 : options.Reconnect.MaxDelay;
        return delay;
    }
}
