using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Comet.Journals.Tests.Processes;

/// <summary>A process of <see cref="ChildRoles"/>, killed at the latest when it is disposed.</summary>
internal sealed partial class ChildProcess : IDisposable
{
    private const int Stop = 19;
    private const int Continue = 18;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Process _process;

    private ChildProcess(Process process) => _process = process;

    public static ChildProcess Start(string role, string directory, params string[] args) => StartUnder([], role, directory, args);

    /// <summary>Starts a child by another program, whose arguments come before the child's.</summary>
    public static ChildProcess StartUnder(string[] program, string role, string directory, params string[] args)
    {
        var host = Environment.ProcessPath!;
        var assembly = typeof(ChildProcess).Assembly.Location;
        var start = new ProcessStartInfo(Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : Path.ChangeExtension(assembly, null))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true
        };
        if (start.FileName == host && host != Path.ChangeExtension(assembly, null))
            start.ArgumentList.Add(assembly);
        foreach (var arg in (string[])["child", role, directory, .. args])
            start.ArgumentList.Add(arg);
        if (program.Length > 0)
        {
            start.ArgumentList.Insert(0, start.FileName);
            start.FileName = program[0];
            for (var i = 1; i < program.Length; i++)
                start.ArgumentList.Insert(i - 1, program[i]);
        }

        return new ChildProcess(Process.Start(start)!);
    }

    /// <summary>The next line it says; null when it has ended.</summary>
    public async Task<string?> ReadLineAsync() => await _process.StandardOutput.ReadLineAsync().WaitAsync(Limit);

    /// <summary>All further lines, until it has ended.</summary>
    public async Task<List<string>> ReadToEndAsync()
    {
        var lines = new List<string>();
        while (await ReadLineAsync() is { } line)
            lines.Add(line);
        await _process.WaitForExitAsync().WaitAsync(Limit);
        return lines;
    }

    public void Say(string line) => _process.StandardInput.WriteLine(line);

    /// <summary>kill -9, and the lines it had said before.</summary>
    public async Task<List<string>> KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(Limit);
        var lines = new List<string>();
        while (await ReadLineAsync() is { } line)
            lines.Add(line);
        return lines;
    }

    public void Pause() => Signal(Stop);

    public void Resume() => Signal(Continue);

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit(Limit);
        }

        _process.Dispose();
    }

    private void Signal(int number) => Assert.Equal(0, Send(_process.Id, number));

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Send(int process, int signal);
}
