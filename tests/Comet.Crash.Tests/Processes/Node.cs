using Comet.Integration.Tests.Processes;

namespace Comet.Crash.Tests.Processes;

/// <summary>A `comet serve` on a data directory, which is killed and started again at the same address.</summary>
internal sealed class Node : IAsyncDisposable
{
    private readonly string[] _arguments;
    private readonly List<TimeSpan> _ready = [];
    private CometServerProcess? _server;
    private string _address = "comet://127.0.0.1:0";

    private Node(string data, string[] arguments) =>
        (Data, _arguments) = (data, ["--storage", "local", "--data", data, .. arguments]);

    public string Data { get; }

    public string Address => _address;

    public int ProcessId => Process.Id;

    /// <summary>What it has logged in this life.</summary>
    public string Log => Process.Errors.Text;

    /// <summary>From the start of the process to the line that says it listens, for each start.</summary>
    public IReadOnlyList<TimeSpan> ReadyTimes => _ready;

    private CometProcess Process => (_server ?? throw new InvalidOperationException("The server does not run.")).Process;

    public static async Task<Node> StartAsync(string data, params string[] arguments)
    {
        var node = new Node(data, arguments);
        await node.StartAsync();
        return node;
    }

    public Task StartAsync() => StartUnderAsync([]);

    /// <summary>As <see cref="StartUnderAsync"/>; false when it ended before it was ready.</summary>
    public async Task<bool> TryStartUnderAsync(string[] program)
    {
        try
        {
            await StartUnderAsync(program);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Starts it by another program, whose arguments come before the server's, and which turns into it.</summary>
    public async Task StartUnderAsync(string[] program)
    {
        var start = TimeProvider.System.GetTimestamp();
        _server = await CometServerProcess.StartAtAsync(_address, _arguments, program);
        _ready.Add(TimeProvider.System.GetElapsedTime(start));
        _address = _server.Address;
    }

    /// <summary>Completes when the process has ended, by whatever.</summary>
    public Task EndedAsync() => Process.Output.Ended;

    /// <summary>kill -9; also of one that has ended.</summary>
    public async Task KillAsync()
    {
        await Process.KillAsync();
        await _server!.DisposeAsync();
        _server = null;
    }

    /// <summary>Stops the process where it is, in the middle of whatever its threads do, until the result is disposed. Its files are then
    /// what a kill -9 would leave.</summary>
    /// <param name="orInFlush">Whether a thread may be in the middle of a flush, which it would have to finish; it stops when it is
    /// back.</param>
    public async Task<IDisposable> FreezeAsync(bool orInFlush = false)
    {
        var frozen = new Frozen(this);
        while (!frozen.HasStopped(orInFlush))
            await Task.Yield();
        return frozen;
    }

    /// <summary>SIGTERM; completes when it has ended.</summary>
    public async Task<CometResult> StopAsync()
    {
        Process.Send(Signal.Terminate);
        var result = await Process.WaitForExitAsync(closeInput: false);
        await _server!.DisposeAsync();
        _server = null;
        return result;
    }

    /// <summary>Completes when it has logged a text.</summary>
    public Task WaitForLogAsync(string text) => Process.Errors.WaitForTextAsync(text);

    /// <summary>The slowest starts, for the test's output.</summary>
    public string ReadySummary()
    {
        var sorted = _ready.Order().ToList();
        return $"{sorted.Count} starts; ready in {sorted[sorted.Count / 2].TotalMilliseconds:0} ms (median), "
            + $"{sorted[(sorted.Count * 99 / 100)].TotalMilliseconds:0} ms (p99), {sorted[^1].TotalMilliseconds:0} ms at most";
    }

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;

    private sealed class Frozen : IDisposable
    {
        private readonly Node _node;

        public Frozen(Node node)
        {
            _node = node;
            node.Process.Send(Signal.Stop);
        }

        public bool HasStopped(bool orInFlush) => Directory.EnumerateDirectories($"/proc/{_node.ProcessId}/task").All(thread =>
        {
            // The state is behind the name, which is in parentheses and may hold some itself.
            var line = File.ReadAllText(Path.Combine(thread, "stat"));
            return line[line.LastIndexOf(')') + 2] is var state && (state is 'T' or 't' || (orInFlush && state == 'D'));
        });

        public void Dispose()
        {
            // It may have been killed meanwhile.
            if (_node._server is not null)
                _node.Process.Send(Signal.Continue);
        }
    }
}
