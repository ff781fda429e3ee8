using System.Globalization;

namespace Comet.Cli.Output;

/// <summary>One line on standard error that tells how far long work is; written only where a person looks at it.</summary>
internal sealed class Progress : IAsyncDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250);

    private readonly Func<string> _describe;
    private readonly ITimer? _timer;
    private int _written;

    public Progress(Func<string> describe, bool quiet)
    {
        _describe = describe;
        if (!quiet && !Console.IsErrorRedirected)
            _timer = TimeProvider.System.CreateTimer(static self => ((Progress)self!).Write(), this, s_interval, s_interval);
    }

    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        if (_timer is null)
            return;
        await _timer.DisposeAsync();
        if (_written > 0)
            await Console.Error.WriteAsync($"\r{new string(' ', _written)}\r");
    }

    private void Write()
    {
        var text = _describe();
        Console.Error.Write($"\r{text.PadRight(_written)}");
        _written = Math.Max(_written, text.Length);
    }
}
