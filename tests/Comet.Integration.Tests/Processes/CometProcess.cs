using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Comet.Integration.Tests.Processes;

/// <summary>A signal's number on Linux; those up to Terminate are the same on macOS.</summary>
internal enum Signal
{
    Interrupt = 2,
    Terminate = 15,
    Continue = 18,
    Stop = 19,
}

/// <summary>A running `comet` that this test started. Disposing it kills it, if it still runs, by its process id.</summary>
internal sealed class CometProcess : IAsyncDisposable
{
    private readonly Process _process;

    private CometProcess(Process process)
    {
        _process = process;
        Output = new OutputCapture(process.StandardOutput.BaseStream);
        Errors = new OutputCapture(process.StandardError.BaseStream);
    }

    public OutputCapture Output { get; }

    public OutputCapture Errors { get; }

    /// <summary>What the process reads; closing it is the end of its input.</summary>
    public Stream Input => _process.StandardInput.BaseStream;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>The path of the program: the same configuration's folder of the command's project,
    /// artifacts/bin/&lt;project&gt;/&lt;configuration&gt;/.</summary>
    public static string Program
    {
        get
        {
            var ownFolder = new DirectoryInfo(AppContext.BaseDirectory);
            return Path.Combine(ownFolder.Parent!.Parent!.FullName, "Comet.Cli", ownFolder.Name, "comet");
        }
    }

    public static CometProcess Start(params string[] arguments) => StartUnder([], arguments);

    /// <summary>Starts one by another program, whose arguments come before the command's.</summary>
    public static CometProcess StartUnder(string[] program, string[] arguments)
    {
        string[] all = [.. program, Program, .. arguments];
        var start = new ProcessStartInfo(all[0], all[1..])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        FindRuntime(start);
        return new CometProcess(Process.Start(start)!);
    }

    /// <summary>A runtime that is found by nothing but the PATH is not found by the program's own host.</summary>
    public static void FindRuntime(ProcessStartInfo start) => start.Environment.TryAdd(
        "DOTNET_ROOT", Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..")));

    /// <summary>Runs a command to its end, with nothing to read.</summary>
    public static Task<CometResult> RunAsync(params string[] arguments) => RunWithInputAsync(default, arguments);

    /// <summary>Runs a command to its end, with this to read.</summary>
    public static async Task<CometResult> RunWithInputAsync(ReadOnlyMemory<byte> input, params string[] arguments)
    {
        await using var process = Start(arguments);
        try
        {
            await process.Input.WriteAsync(input);
        }
        catch (IOException)
        {
            // It ended without reading all: the test judges how.
        }
        return await process.WaitForExitAsync();
    }

    public void Send(Signal signal) => Assert.Equal(0, kill(_process.Id, (int)signal));

    /// <summary>Ends it as a power cut would: it gets no chance to say anything.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(Limits.Wait);
    }

    /// <summary>Closes the input and waits until the process has ended and all that it wrote is captured.</summary>
    public async Task<CometResult> WaitForExitAsync(bool closeInput = true)
    {
        if (closeInput)
            await Input.DisposeAsync();
        try
        {
            await Task.WhenAll(_process.WaitForExitAsync(), Output.Ended, Errors.Ended).WaitAsync(Limits.Wait);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"The process did not end within {Limits.Wait.TotalSeconds} s. Output:\n{Output.Text}\nErrors:\n{Errors.Text}");
        }
        return new CometResult(_process.ExitCode, Output.Bytes, Errors.Text);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int processId, int signal);
}
