using System.Diagnostics;

namespace Comet.Cli.Bench;

/// <summary>A broker of our own for the time of a measurement: this program again, as another process, on a free port.</summary>
internal sealed class BrokerProcess : IAsyncDisposable
{
    private const string Ready = "comet: listening on ";
    private static readonly TimeSpan s_startTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_stopTimeout = TimeSpan.FromSeconds(10);

    private static int s_folders;

    private readonly DirectoryInfo? _folder;
    private Process _process;

    private BrokerProcess(Process process, CometEndpoint endpoint, DirectoryInfo? folder) =>
        (_process, Endpoint, _folder) = (process, endpoint, folder);

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

    /// <param name="data">Where it keeps its messages, in a folder of its own; null: in memory.</param>
    /// <param name="cancellationToken">Ends the wait, and the process.</param>
    public static async Task<BrokerProcess> StartAsync(DirectoryInfo? data, CancellationToken cancellationToken)
    {
        var folder = data?.CreateSubdirectory($"comet-bench-{Environment.ProcessId}-{++s_folders}");
        try
        {
            var (process, endpoint) = await StartProcessAsync(folder, cancellationToken);
            return new BrokerProcess(process, endpoint, folder);
        }
        catch
        {
            folder?.Delete(recursive: true);
            throw;
        }
    }

    /// <summary>Kills it and starts it again on the same data, at another address.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await KillAsync();
        (_process, Endpoint) = await StartProcessAsync(_folder, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _folder?.Delete(recursive: true);
    }

    private static async Task<(Process Process, CometEndpoint Endpoint)> StartProcessAsync(
        DirectoryInfo? folder, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        // Run by 'dotnet comet.dll', the program's path is dotnet's.
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        string[] storage = folder is null ? [] : ["--storage", "local", "--data", Path.Combine(folder.FullName, "data")];
        foreach (var argument in (string[])["serve", "--listen", "comet://127.0.0.1:0", .. storage])
            start.ArgumentList.Add(argument);
        var process = Process.Start(start) ?? throw new IOException($"'{start.FileName} serve' did not start.");
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
            process.Dispose();
            throw;
        }
    }

    private async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(s_stopTimeout);
        _process.Dispose();
    }
}
