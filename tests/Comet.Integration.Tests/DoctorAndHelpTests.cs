using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>comet doctor, and what --help promises.</summary>
public sealed class DoctorAndHelpTests
{
    [Fact]
    public async Task Doctor_finds_a_working_server_well_and_leaves_nothing_behind()
    {
        await using var server = await CometServerProcess.StartAsync();
        var result = (await server.RunAsync("doctor")).Exits(0);
        Assert.Equal(5, result.Lines.Length);
        Assert.All(result.Lines, static line => Assert.StartsWith("ok   ", line, StringComparison.Ordinal));
        Assert.StartsWith($"ok   round trip {server.Address}: ", result.Lines[^1], StringComparison.Ordinal);
        Assert.Empty((await server.RunAsync("topic", "list")).Exits(0).OutputBytes);
    }

    [Fact]
    public async Task Doctor_names_the_step_that_fails_and_checks_the_other_servers()
    {
        await using var server = await CometServerProcess.StartAsync();
        var result = (await CometProcess.RunAsync("doctor", "-s", "comet://127.0.0.1:1", "-s", server.Address)).Exits(1);
        Assert.StartsWith("FAIL connect comet://127.0.0.1:1: ConnectFailed: Nothing answers", result.Lines[1], StringComparison.Ordinal);
        Assert.StartsWith($"ok   round trip {server.Address}: ", result.Lines[^1], StringComparison.Ordinal);

        var json = (await CometProcess.RunAsync("doctor", "--json", "-s", "comet://127.0.0.1:1")).Exits(1).Json;
        Assert.Equal([true, false], json.Select(static check => check.GetProperty("ok").GetBoolean()));
        Assert.Equal("connect comet://127.0.0.1:1", json[1].GetProperty("check").GetString());
    }

    [Fact]
    public async Task Doctor_names_partitions_that_are_offline_and_why()
    {
        using var folder = new TemporaryFolder();
        string[] arguments = ["--storage", "local", "--data", folder.Path("data")];
        await using (var server = await CometServerProcess.StartAsync(arguments))
        {
            (await CometProcess.RunWithInputAsync("one\n"u8.ToArray(), "produce", "t", "--server", server.Address)).Exits(0);
            await server.Process.KillAsync();
        }
        var segment = Directory.EnumerateFiles(folder.Path("data"), "*.journal", SearchOption.AllDirectories).Single();
        using (var file = new FileStream(segment, FileMode.Open))
        {
            file.Position = 4096 + 60;
            file.WriteByte(0xFF);
        }
        await using var damaged = await CometServerProcess.StartAsync(arguments);
        var result = (await damaged.RunAsync("doctor")).Exits(1);
        Assert.Contains(result.Lines, line => line.StartsWith($"FAIL storage {damaged.Address}: 1 partition", StringComparison.Ordinal));
        Assert.Contains(result.Lines, line => line.StartsWith("FAIL partition 0 of t: ", StringComparison.Ordinal)
            && line.Contains(Path.GetFileName(segment), StringComparison.Ordinal));
        // The rest of the broker works.
        Assert.StartsWith($"ok   round trip {damaged.Address}: ", result.Lines[^1], StringComparison.Ordinal);
        Assert.Contains(Path.GetFileName(segment), damaged.Process.Errors.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "serve", "topic", "produce", "consume", "bench", "doctor", "--server", "--json", "--tls-ca", "--version")]
    [InlineData("serve", "--storage", "--data", "--storage-compression", "--key", "--cool", "--cool-after", "--cold", "--cold-after",
        "--segment-size", "--upkeep-interval", "--listen", "--tls-cert", "--tls-key",
        "--node-id", "--partitions", "--no-auto-create", "--memory-limit", "--verbose")]
    [InlineData("topic", "create", "list", "describe", "delete", "--server")]
    [InlineData("topic create", "<topic>", "--partitions", "--if-not-exists", "--server", "--json")]
    [InlineData("topic list", "[<prefix>]", "--server", "--json")]
    [InlineData("topic describe", "<topic>", "--server", "--json")]
    [InlineData("topic delete", "<topic>", "--server", "--json")]
    [InlineData("produce", "<topic>", "--file", "--key", "--header", "--count", "--size",
        "--compression", "--timeout", "--producer-name", "--first-sequence", "--server", "--json", "--tls-ca")]
    [InlineData("consume", "<topic>", "--subscription", "--type", "exclusive|failover|key-shared|shared", "--from", "--count", "--timeout",
        "--consumer", "--priority", "--nack", "--delay", "--dead-letter", "--reason", "--max-deliveries", "--lease", "--server", "--json")]
    [InlineData("backup", "<target>", "--data", "--copy", "--json")]
    [InlineData("restore", "<backup>", "--data", "--json")]
    [InlineData("journal dump", "<directory>", "--from", "--count", "--raw", "--key", "--json")]
    [InlineData("dlq", "list", "redrive")]
    [InlineData("dlq redrive", "<topic>", "--subscription", "--count", "--server", "--json")]
    [InlineData("bench", "ping-pong", "publish", "--size", "--scale", "--repeat", "--server", "--json")]
    [InlineData("doctor", "--server", "--json", "--tls-ca")]
    public async Task Help_names_what_the_command_takes(string command, params string[] words)
    {
        var result = (await CometProcess.RunAsync([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"])).Exits(0);
        Assert.All(words, word => Assert.Contains(word, result.Output, StringComparison.Ordinal));
        Assert.Empty(result.Errors);
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("journal dump", "directory")]
    public async Task Help_leaves_out_what_means_nothing_to_a_command(string command, params string[] arguments)
    {
        string[] words = command.Split(' ');
        var help = (await CometProcess.RunAsync([.. words, "--help"])).Exits(0).Output;
        Assert.DoesNotContain("--server", help, StringComparison.Ordinal);
        Assert.DoesNotContain("--tls-ca", help, StringComparison.Ordinal);
        Assert.Contains("connects to no broker", (await CometProcess.RunAsync([.. words, .. arguments, "--server", "comet://127.0.0.1:1"]))
            .Exits(2).Errors, StringComparison.Ordinal);
    }
}
