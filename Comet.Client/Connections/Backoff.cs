namespace Comet.Client.Connections;

/// <summary>How long to wait before something that failed for a while is tried again: doubling, with jitter. Not thread-safe.</summary>
internal sealed class Backoff(ReconnectOptions options, TimeProvider time)
{
    // A jitter of a fifth keeps a thousand clients of one broker from coming back in the same millisecond.
    private const double Jitter = 0.2;

    private readonly Random _random = new();
    private TimeSpan _next = options.InitialDelay;

    public void Reset() => _next = options.InitialDelay;

    public Task WaitAsync(CancellationToken cancellationToken)
    {
        var delay = _next * (1 + (Jitter * ((2 * _random.NextDouble()) - 1)));
        _next = _next * 2 < options.MaxDelay ? _next * 2 : options.MaxDelay;
        return Task.Delay(delay, time, cancellationToken);
    }
}
