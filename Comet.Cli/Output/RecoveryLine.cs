namespace Comet.Cli.Output;

/// <summary>Tells on standard error how far a server has come that recovers its data: a line each second, when it takes so long.</summary>
internal sealed class RecoveryLine
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly long _started = TimeProvider.System.GetTimestamp();
    private TimeSpan _next = s_pause;

    public void Show(int recovered, int of)
    {
        lock (_gate)
        {
            if (TimeProvider.System.GetElapsedTime(_started) is var elapsed && elapsed < _next)
                return;
            _next = elapsed + s_pause;
            Console.Error.WriteLine($"comet: recovering partitions, {recovered:N0} of {of:N0} done");
        }
    }
}
