namespace Comet.Integration.Tests.Processes;

/// <summary>A `comet serve` of this test, on a port of its own.</summary>
internal sealed class CometServerProcess : IAsyncDisposable
{
    private const string ReadyLine = "comet: listening on ";

    private CometServerProcess(CometProcess process, string address) => (Process, Address) = (process, address);

    public CometProcess Process { get; }

    /// <summary>For example comet://127.0.0.1:41234.</summary>
    public string Address { get; }

    /// <summary>Starts one on a free port; on return it listens.</summary>
    public static Task<CometServerProcess> StartAsync(params string[] arguments) => StartAtAsync("comet://127.0.0.1:0", arguments);

    /// <summary>Starts one at this address; on return it listens.</summary>
    public static Task<CometServerProcess> StartAtAsync(string address, params string[] arguments) => StartAtAsync(address, arguments, []);

    /// <summary>Starts one at this address by another program, whose arguments come before the server's; on return it listens.</summary>
    public static async Task<CometServerProcess> StartAtAsync(string address, string[] arguments, string[] program)
    {
        var process = CometProcess.StartUnder(program, ["serve", "--listen", address, .. arguments]);
        try
        {
            var line = await process.Output.WaitForLineAsync(ReadyLine);
            return new CometServerProcess(process, line[ReadyLine.Length..]);
        }
        catch (Xunit.Sdk.XunitException e)
        {
            await process.DisposeAsync();
            throw new InvalidOperationException($"The server did not start: {e.Message}\n{process.Errors.Text}", e);
        }
    }

    /// <summary>Runs another command against this server, to its end.</summary>
    public Task<CometResult> RunAsync(params string[] arguments) => CometProcess.RunAsync([.. arguments, "--server", Address]);

    /// <summary>Starts another command against this server.</summary>
    public CometProcess Start(params string[] arguments) => CometProcess.Start([.. arguments, "--server", Address]);

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}
