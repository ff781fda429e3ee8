namespace Comet.Cli;

/// <summary>Ends the wait for room in a producer's window when for too long nothing was confirmed.</summary>
internal sealed class StallWatch : IDisposable
{
    private const int LooksPerTimeout = 8;

    private readonly TimeSpan _timeout;
    private readonly Func<(int Pending, long Confirmed)> _look;
    private readonly CancellationTokenSource _end;
    private readonly ITimer _timer;
    private long _lastConfirmed = -1;
    private long _lastProgress;
    private bool _isStalled;

    public StallWatch(TimeSpan timeout, Func<(int Pending, long Confirmed)> look, CancellationToken cancellationToken)
    {
        (_timeout, _look) = (timeout, look);
        _end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _lastProgress = TimeProvider.System.GetTimestamp();
        var period = timeout / LooksPerTimeout;
        _timer = TimeProvider.System.CreateTimer(static self => ((StallWatch)self!).Look(), this, period, period);
    }

    /// <summary>Ends when the command is stopped or nothing goes on.</summary>
    public CancellationToken Token => _end.Token;

    /// <exception cref="CometException"><see cref="ErrorCode.Timeout"/>: nothing went on.</exception>
    public async ValueTask GuardAsync(ValueTask sending)
    {
        try
        {
            await sending;
        }
        catch (OperationCanceledException) when (Volatile.Read(ref _isStalled))
        {
            var (pending, confirmed) = _look();
            throw new CometException(ErrorCode.Timeout,
                $"Nothing was confirmed for {_timeout.TotalSeconds:0.#} s: {confirmed} messages are confirmed, {pending} wait and may "
                + "still be stored. The lines before tell why.");
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        _end.Dispose();
    }

    private void Look()
    {
        var (pending, confirmed) = _look();
        var now = TimeProvider.System.GetTimestamp();
        if (pending == 0 || confirmed != _lastConfirmed)
            (_lastConfirmed, _lastProgress) = (confirmed, now);
        else if (TimeProvider.System.GetElapsedTime(_lastProgress, now) >= _timeout)
        {
            Volatile.Write(ref _isStalled, true);
            _end.Cancel();
        }
    }
}
