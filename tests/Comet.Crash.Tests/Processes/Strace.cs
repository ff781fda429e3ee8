using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Comet.Integration.Tests.Processes;
using Comet.Journals.Tests.Support;

namespace Comet.Crash.Tests.Processes;

/// <summary>A strace that changes what system calls of a running process return. Disposing it leaves the process alone.</summary>
internal sealed partial class Strace : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _log;

    private Strace(Process process, string log) => (_process, _log) = (process, log);

    /// <summary>Whether strace is there and may trace.</summary>
    public static bool IsThere { get; } = OperatingSystem.IsLinux() && Tool.Run("strace", "-o", "/dev/null", "true");

    /// <summary>Attaches to a process; on return it does what it is to do.</summary>
    /// <param name="process">The process.</param>
    /// <param name="log">A file for the calls it has changed.</param>
    /// <param name="calls">The system calls, separated by commas.</param>
    /// <param name="injection">What to do with them, for example <c>error=EIO</c>, or <c>retval=0</c>: not done, and said to be.</param>
    public static async Task<Strace> AttachAsync(int process, string log, string calls, string injection)
    {
        var id = process.ToString(CultureInfo.InvariantCulture);
        var start = new ProcessStartInfo("strace",
            ["-f", "-ttt", "-p", id, "-o", log, "-e", $"trace={calls}", "-e", $"inject={calls}:{injection}"])
        {
            RedirectStandardError = true,
        };
        var strace = new Strace(Process.Start(start)!, log);
        using var limit = new CancellationTokenSource(Limits.Wait);
        while (await strace._process.StandardError.ReadLineAsync(limit.Token) is { } line)
        {
            // The first line is about the process itself, when all its threads are attached.
            if (line.Contains("attached", StringComparison.Ordinal))
                return strace;
        }
        throw new InvalidOperationException($"strace does not attach to process {id}.");
    }

    /// <summary>When it changed the first call; null when it has changed none.</summary>
    public DateTimeOffset? FirstInjection()
    {
        var match = File.Exists(_log) ? InjectedPattern().Match(File.ReadAllText(_log)) : Match.Empty;
        return match.Success
            ? DateTimeOffset.UnixEpoch.AddSeconds(double.Parse(match.Groups["time"].Value, CultureInfo.InvariantCulture))
            : null;
    }

    /// <summary>Lets go of the process.</summary>
    public async Task DetachAsync()
    {
        if (_process.HasExited)
            return;
        Assert.True(Tool.Run("kill", "-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)));
        await _process.StandardError.ReadToEndAsync();
        await _process.WaitForExitAsync().WaitAsync(Limits.Wait);
    }

    public async ValueTask DisposeAsync()
    {
        await DetachAsync();
        _process.Dispose();
    }

    [GeneratedRegex(@"^\d+ +(?<time>\d+\.\d+) .*\(INJECTED\)", RegexOptions.Multiline)]
    private static partial Regex InjectedPattern();
}
