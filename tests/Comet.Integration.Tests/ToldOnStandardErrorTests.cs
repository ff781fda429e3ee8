using System.Diagnostics;
using System.Text;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>What commands do other than one may think is said, on standard error.</summary>
public sealed class ToldOnStandardErrorTests
{
    [Fact]
    public async Task Consume_says_that_from_means_nothing_to_a_subscription_that_exists()
    {
        await using var server = await CometServerProcess.StartAsync();
        await ProduceAsync(server, "t", "one\ntwo\n");
        var first = await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--count", "1");
        Assert.Equal("", first.Exits(0).Errors);
        var second = await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--count", "1");
        Assert.Equal("two\n", second.Exits(0).Output);
        Assert.Contains("'s' exists, so --from is ignored", second.Errors, StringComparison.Ordinal);
        Assert.Contains("comet seek t --subscription s --to", second.Errors, StringComparison.Ordinal);
        await ProduceAsync(server, "t", "three\n");
        Assert.Equal("", (await server.RunAsync("consume", "t", "--subscription", "s", "--count", "1")).Exits(0).Errors);
    }

    [Fact]
    public async Task Consume_says_that_a_new_subscription_begins_behind_what_is_there()
    {
        await using var server = await CometServerProcess.StartAsync();
        string[] consume = ["consume", "t", "--subscription", "s", "--timeout", "1ms"];
        Assert.Equal("", (await server.RunAsync(["consume", "u", .. consume[2..]])).Exits(0).Errors);
        await ProduceAsync(server, "t", "one\ntwo\n");
        var first = (await server.RunAsync(consume)).Exits(0);
        Assert.StartsWith("comet: the subscription 's' is new and begins behind the 2 message(s) that are there; 'comet seek t ",
            first.Errors, StringComparison.Ordinal);
        Assert.Empty(first.OutputBytes);
        Assert.Equal("", (await server.RunAsync(consume)).Exits(0).Errors);
        string[] latest = ["consume", "t", "--subscription", "v", "--timeout", "1ms", "--from", "latest"];
        Assert.Equal("", (await server.RunAsync(latest)).Exits(0).Errors);
        (await server.RunAsync("seek", "t", "--subscription", "s", "--to", "earliest")).Exits(0);
        Assert.Equal("one\ntwo\n", (await server.RunAsync("consume", "t", "--subscription", "s", "--count", "2")).Exits(0).Output);
    }

    [Theory]
    [InlineData("list", "")]
    [InlineData("redrive", "moved 0 message(s) back\n")]
    public async Task Dlq_says_of_a_topic_without_dead_letters_that_there_are_none(string command, string output)
    {
        await using var server = await CometServerProcess.StartAsync();
        await ProduceAsync(server, "t", "one\ntwo\n");
        var done = (await server.RunAsync("dlq", command, "t")).Exits(0);
        Assert.Equal(output, done.Output);
        Assert.Contains("'t' is no dead-letter topic, and its subscriptions have no dead letters", done.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Produce_tells_how_many_were_stored_already()
    {
        await using var server = await CometServerProcess.StartAsync();
        string[] named = ["--producer-name", "p", "--first-sequence", "0"];
        Assert.DoesNotContain("already", (await ProduceAsync(server, "t", "one\ntwo\n", named)).Output, StringComparison.Ordinal);
        Assert.Contains("; 2 of them were stored already", (await ProduceAsync(server, "t", "one\ntwo\n", named)).Output,
            StringComparison.Ordinal);
        var json = (await ProduceAsync(server, "t", "one\ntwo\n", [.. named, "--json"])).Json[0];
        Assert.Equal((2, 2), (json.GetProperty("confirmed").GetInt32(), json.GetProperty("duplicates").GetInt32()));
    }

    [Theory]
    [InlineData("consume")]
    [InlineData("topic create")]
    public async Task Help_says_what_a_number_without_a_unit_is(string command)
    {
        var help = (await CometProcess.RunAsync([.. command.Split(' '), "--help"])).Exits(0).Output;
        Assert.Contains("A number without a unit is seconds.", string.Join(' ', help.Split((char[]?)null,
            StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Topic_create_says_how_to_change_a_topic_that_exists()
    {
        await using var server = await CometServerProcess.StartAsync();
        (await server.RunAsync("topic", "create", "t", "--ttl", "5")).Exits(0);
        Assert.Contains("comet topic update t", (await server.RunAsync("topic", "create", "t")).Exits(1).Errors, StringComparison.Ordinal);
        var same = (await server.RunAsync("topic", "create", "t", "--ttl", "5s", "--if-not-exists")).Exits(0);
        Assert.Equal(("topic t exists already\n", ""), (same.Output, same.Errors));
        foreach (var other in (string[][])[["--ttl", "1h"], ["--partitions", "3"]])
        {
            var result = (await server.RunAsync(["topic", "create", "t", "--if-not-exists", .. other])).Exits(0);
            Assert.Contains("other settings than these", result.Errors, StringComparison.Ordinal);
            Assert.Contains("comet topic update t", result.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Append_to_a_full_disk_says_how_many_lines_are_in()
    {
        var folder = Directory.CreateTempSubdirectory("comet-full-disk-");
        if (!OperatingSystem.IsLinux() || !Run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder.FullName))
            Assert.Skip("Mounting a tmpfs takes Linux and root.");
        try
        {
            var journal = Path.Combine(folder.FullName, "journal");
            var lines = string.Concat(Enumerable.Range(0, 9_000).Select(static i => $"{i} {new string('.', 990)}\n"));
            var result = await CometProcess.RunWithInputAsync(Encoding.ASCII.GetBytes(lines), "journal", "append", journal);
            result.Exits(1);
            Assert.Contains("StorageFull", result.Errors, StringComparison.Ordinal);
            var dump = (await CometProcess.RunAsync("journal", "dump", journal)).Exits(0).Lines;
            Assert.Contains($"the first {dump.Length:N0} lines were appended, the last of them with sequence {dump.Length - 1};",
                result.Errors, StringComparison.Ordinal);
        }
        finally
        {
            Run("umount", folder.FullName);
            folder.Delete(recursive: true);
        }
    }

    private static async Task<CometResult> ProduceAsync(CometServerProcess server, string topic, string lines, params string[] more) =>
        (await CometProcess.RunWithInputAsync(
            Encoding.UTF8.GetBytes(lines), ["produce", topic, "--server", server.Address, .. more])).Exits(0);

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
