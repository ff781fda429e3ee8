using System.Diagnostics;

namespace Comet.Cli.Bench;

/// <summary>A broker of our own for the time of a measurement: this program again, as another process, on a free port.</summary>
internal sealed class BrokerProcess : IAsyncDisposable
{
    private const string Ready = "comet: listening on ";
    private static readonly TimeSpan s_startTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_stopTimeout = TimeSpan.FromSeconds(10);

    private readonly BenchFolder? _folder;
    private readonly string? _data;
    private Process _process;

    private BrokerProcess(Process process, CometEndpoint endpoint, BenchFolder? folder, string? data) =>
        (_process, Endpoint, _folder, _data) = (process, endpoint, folder, data);

    public CometEndpoint Endpoint { get; private set; }

    /// <summary>The processor time it has used.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>The most memory it has had resident since it was started, in bytes.</summary>
    public long PeakMemory
    {
        get
        {
            _process.Refresh();
            return _process.PeakWorkingSet64;
        }
    }

    /// <param name="folder">Where it keeps its messages; null: in memory.</param>
    /// <param name="cancellationToken">Ends the wait, and the process.</param>
    public static async Task<BrokerProcess> StartAsync(BenchFolder? folder, CancellationToken cancellationToken)
    {
        var data = folder?.NewPath();
        var (process, endpoint) = await StartProcessAsync(folder, data, cancellationToken);
        return new BrokerProcess(process, endpoint, folder, data);
    }

    /// <summary>Kills it and starts it again on the same data, at another address.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await KillAsync();
        (_process, Endpoint) = await StartProcessAsync(_folder, _data, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        if (_data is not null)
            Directory.Delete(_data, recursive: true);
    }

    private static async Task<(Process Process, CometEndpoint Endpoint)> StartProcessAsync(
        BenchFolder? folder, string? data, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        // Run by 'dotnet comet.dll', the program's path is dotnet's.
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        string[] storage = data is null ? [] : ["--storage", "local", "--data", data];
        foreach (var argument in (string[])["serve", "--listen", "comet://127.0.0.1:0", .. storage])
            start.ArgumentList.Add(argument);
        var process = (folder is null ? Process.Start(start) : folder.Start(start))
            ?? throw new IOException($"'{start.FileName} serve' did not start.");
        try
        {
            var line = await process.StandardOutput.ReadLineAsync(cancellationToken).AsTask().WaitAsync(s_startTimeout, cancellationToken);
            return line?.StartsWith(Ready, StringComparison.Ordinal) == true
                ? (process, CometEndpoint.Parse(line[Ready.Length..]))
                : throw new IOException($"'{start.FileName} serve' said '{line}' instead of where it listens.");
        }
        catch
        {
            process.Kill();
            folder?.Ended(process);
            process.Dispose();
            throw;
        }
    }

    private async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(s_stopTimeout);
        _folder?.Ended(_process);
        _process.Dispose();
    }
}
