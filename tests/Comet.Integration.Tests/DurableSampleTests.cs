using System.Diagnostics;
using Comet.Integration.Tests.Processes;
using Comet.Tests;

namespace Comet.Integration.Tests;

/// <summary>The script that the README shows.</summary>
public sealed class DurableSampleTests
{
    [Fact]
    [TakesLong]
    public async Task The_sample_of_a_killed_server_shows_what_it_says()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("The script is for bash.");
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Comet.sln")))
            root = root.Parent!;
        var start = new ProcessStartInfo(Path.Combine(root.FullName, "samples", "Durable", "durable.sh"), ["50000"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["COMET"] = CometProcess.Program },
        };
        CometProcess.FindRuntime(start);
        using var script = Process.Start(start)!;
        var output = script.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = script.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        try
        {
            await script.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
        finally
        {
            if (!script.HasExited)
                script.Kill(entireProcessTree: true);
        }
        Assert.True(script.ExitCode == 0, $"The exit code is {script.ExitCode}.\n{await output}\n{await errors}");
        Assert.Contains("killed the server while the producer sends", await output, StringComparison.Ordinal);
        Assert.EndsWith("every confirmed message is there, once and in order: 100000\n", await output, StringComparison.Ordinal);
    }
}
