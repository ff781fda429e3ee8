using System.Diagnostics;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>Standard output that is a file which other programs write to, as in a script.</summary>
public sealed class SharedOutputTests
{
    [Fact]
    public async Task What_is_consumed_into_a_file_stands_between_what_others_write_before_and_behind_it()
    {
        using var folder = new TemporaryFolder();
        await using var server = await CometServerProcess.StartAsync();
        (await server.RunAsync("produce", "t", "--file", folder.Write("in", "one\ntwo\n"u8))).Exits(0);
        var script = $"{{ echo before; '{CometProcess.Program}' consume t --subscription s --from earliest --count 2 "
            + $"--server {server.Address}; echo after; }} > '{folder.Path("out")}'";
        var start = new ProcessStartInfo("/bin/sh", ["-c", script]);
        CometProcess.FindRuntime(start);

        using var shell = Process.Start(start)!;
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Limits.Wait, TestContext.Current.CancellationToken);

        Assert.Equal("before\none\ntwo\nafter\n", await File.ReadAllTextAsync(folder.Path("out"), TestContext.Current.CancellationToken));
    }
}
