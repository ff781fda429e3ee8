using System.Diagnostics;

namespace Comet.Cli.Bench;

/// <summary>A broker of our own for the time of a measurement: this program again, as another process, on a free port.</summary>
internal sealed class BrokerProcess : IAsyncDisposable
{
    private const string Ready = "comet: listening on ";
    private static readonly TimeSpan s_startTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_stopTimeout = TimeSpan.FromSeconds(10);

    private readonly Process _process;

    private BrokerProcess(Process process, CometEndpoint endpoint) => (_process, Endpoint) = (process, endpoint);

    public CometEndpoint Endpoint { get; }

    /// <summary>The processor time it has used.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public static async Task<BrokerProcess> StartAsync(CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        // Run by 'dotnet comet.dll', the program's path is dotnet's.
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        foreach (var argument in (string[])["serve", "--listen", "comet://127.0.0.1:0"])
            start.ArgumentList.Add(argument);
        var process = Process.Start(start) ?? throw new IOException($"'{start.FileName} serve' did not start.");
        try
        {
            var line = await process.StandardOutput.ReadLineAsync(cancellationToken).AsTask().WaitAsync(s_startTimeout, cancellationToken);
            if (line?.StartsWith(Ready, StringComparison.Ordinal) != true)
                throw new IOException($"'{start.FileName} serve' said '{line}' instead of where it listens.");
            return new BrokerProcess(process, CometEndpoint.Parse(line[Ready.Length..]));
        }
        catch
        {
            process.Kill();
            process.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(s_stopTimeout);
        _process.Dispose();
    }
}
