namespace Comet.Client.Replaying;

/// <summary>Lets each message pass when its time has come, counted from the first one. A program that was slow gets what it has missed
/// without waiting, until it has caught up.</summary>
internal sealed class ReplayPace(ReplaySpeed speed, TimeProvider time)
{
    // Far below what a timer takes.
    private static readonly TimeSpan s_longestWait = TimeSpan.FromDays(1);

    private DateTimeOffset? _first;
    private long _start;

    public async ValueTask WaitAsync(DateTimeOffset appendTime, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (double.IsPositiveInfinity(speed.Factor))
            return;
        if (_first is not { } first)
        {
            (_first, _start) = (appendTime, time.GetTimestamp());
            return;
        }
        var due = (appendTime - first) / speed.Factor;
        while (due - time.GetElapsedTime(_start) is var left && left > TimeSpan.Zero)
        {
            // Timers count whole milliseconds; rounded down, the last of them would be waited for in a busy loop.
            var wait = TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds));
            await Task.Delay(wait < s_longestWait ? wait : s_longestWait, time, cancellationToken);
        }
    }
}
