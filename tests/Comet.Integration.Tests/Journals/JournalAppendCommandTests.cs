using System.Text;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests.Journals;

/// <summary>comet journal append and comet journal dump: what goes in line by line comes out line by line.</summary>
public sealed class JournalAppendCommandTests
{
    private static readonly byte[] s_odd =
    [
        .. "one\n\n\n"u8, 0xFF, 0, 0xC3, .. "\ncarriage return\r\n"u8, .. Encoding.UTF8.GetBytes(new string('x', 3_000_000)),
        .. "\nlast without line feed"u8,
    ];

    [Fact]
    public async Task Lines_of_any_bytes_and_length_come_back_one_by_one_and_nothing_else_is_on_standard_output()
    {
        using var folder = new TemporaryFolder();
        var appended = (await CometProcess.RunWithInputAsync(s_odd, "journal", "append", folder.Path("j"))).Exits(0);
        Assert.StartsWith("7 records appended in ", Assert.Single(appended.Lines), StringComparison.Ordinal);

        var dumped = (await CometProcess.RunAsync("journal", "dump", folder.Path("j"))).Exits(0);
        Assert.True(s_odd.Append((byte)'\n').SequenceEqual(dumped.OutputBytes), "What came out is not what went in.");
        Assert.Equal("", dumped.Errors);
    }

    [Fact]
    public async Task A_file_is_appended_at_each_level_and_the_report_can_be_json()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("in", "a\nb\n"u8);
        string[] append = ["journal", "append", folder.Path("j"), "--file", file, "--json", "--durability"];
        var first = Assert.Single((await CometProcess.RunAsync([.. append, "Os"])).Exits(0).Json);
        var second = Assert.Single((await CometProcess.RunAsync([.. append, "Disk", "--roll", "day"])).Exits(0).Json);
        Assert.Equal((2, 1), (first.GetProperty("records").GetInt64(), first.GetProperty("lastSequence").GetInt64()));
        Assert.Equal((2, 3), (second.GetProperty("records").GetInt64(), second.GetProperty("lastSequence").GetInt64()));

        string[] dump = ["journal", "dump", folder.Path("j"), "--json", "--from", "1", "--count", "2"];
        var lines = (await CometProcess.RunAsync(dump)).Exits(0).Json;
        Assert.Equal([(1L, "b"), (2L, "a")],
            lines.Select(static line => (line.GetProperty("sequence").GetInt64(), line.GetProperty("payload").GetString())));
        Assert.True(lines[0].GetProperty("filePosition").GetInt64() > 4096);
    }

    [Fact]
    public async Task Bytes_that_are_no_text_are_base64_in_json()
    {
        using var folder = new TemporaryFolder();
        (await CometProcess.RunWithInputAsync(new byte[] { 0xFF, 0xFE, (byte)'\n' }, "journal", "append", folder.Path("j"))).Exits(0);
        var line = Assert.Single((await CometProcess.RunAsync("journal", "dump", folder.Path("j"), "--json")).Exits(0).Json);
        Assert.False(line.TryGetProperty("payload", out _));
        Assert.Equal("//4=", line.GetProperty("payloadBase64").GetString());
    }

    [Fact]
    public async Task It_does_not_exit_0_when_not_all_are_in()
    {
        using var folder = new TemporaryFolder();
        (await CometProcess.RunWithInputAsync("first\n"u8.ToArray(), "journal", "append", folder.Path("j"))).Exits(0);
        await using (var append = CometProcess.Start("journal", "append", folder.Path("j")))
        await using (var tail = CometProcess.Start("journal", "tail", folder.Path("j")))
        {
            await append.Input.WriteAsync("a line\nhalf a"u8.ToArray(), TestContext.Current.CancellationToken);
            await append.Input.FlushAsync(TestContext.Current.CancellationToken);
            await tail.Output.WaitForLinesAsync(2);
            append.Send(Signal.Interrupt);
            Assert.NotEqual(0, (await append.WaitForExitAsync(closeInput: false)).ExitCode);
        }

        Assert.Equal(["first", "a line"], (await CometProcess.RunAsync("journal", "dump", folder.Path("j"))).Exits(0).Lines);
    }

    [Fact]
    public async Task What_cannot_be_opened_is_refused_with_a_sentence_and_left_alone()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("no-directory", "text"u8);
        var refused = await CometProcess.RunWithInputAsync("a\n"u8.ToArray(), "journal", "append", file);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains(file, refused.Errors, StringComparison.Ordinal);
        Assert.Equal("text", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));

        foreach (var command in new[] { "dump", "tail", "stat" })
        {
            var missing = (await CometProcess.RunAsync("journal", command, folder.Path("missing"))).Exits(2);
            Assert.Contains("There is no directory", missing.Errors, StringComparison.Ordinal);
            Directory.CreateDirectory(folder.Path("empty"));
            var empty = (await CometProcess.RunAsync("journal", command, folder.Path("empty"))).Exits(1);
            Assert.Contains("There is no journal in", empty.Errors, StringComparison.Ordinal);
            Assert.Empty(Directory.GetFileSystemEntries(folder.Path("empty")));
        }
    }
}
