using System.Text;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests.Journals;

/// <summary>comet journal verify and comet journal repair.</summary>
public sealed class JournalVerifyCommandTests
{
    private const int FirstRecordAt = 8192;
    private const int Count = 100;

    [Fact]
    public async Task Verify_names_file_and_byte_of_damage_and_repair_keeps_all_the_rest()
    {
        using var folder = new TemporaryFolder();
        var journal = folder.Path("j");
        var lines = Enumerable.Range(0, Count).Select(static i => $"line {i,3}").ToArray();
        (await CometProcess.RunWithInputAsync(
            Encoding.ASCII.GetBytes(string.Join('\n', lines)), "journal", "append", journal)).Exits(0);
        Assert.StartsWith("No damage in 100 records of 1 segments, ",
            Assert.Single((await CometProcess.RunAsync("journal", "verify", journal)).Exits(0).Lines), StringComparison.Ordinal);

        // The second record: 24 bytes of header and 8 of payload before it, and into its payload.
        var file = Assert.Single(Directory.GetFiles(journal, "*.journal"));
        Overwrite(file, FirstRecordAt + 32 + 26);
        var verified = (await CometProcess.RunAsync("journal", "verify", journal)).Exits(1);
        Assert.StartsWith($"{file} at byte {FirstRecordAt + 32}, 32 bytes: ", verified.Lines[0], StringComparison.Ordinal);
        Assert.EndsWith("records with sequences 1 to 1 are lost", verified.Lines[0], StringComparison.Ordinal);
        Assert.StartsWith("1 damaged places in 99 records ", verified.Lines[1], StringComparison.Ordinal);
        var json = (await CometProcess.RunAsync("journal", "verify", journal, "--json")).Exits(1).Json;
        Assert.Equal((file, FirstRecordAt + 32, 1), (json[0].GetProperty("file").GetString(),
            json[0].GetProperty("filePosition").GetInt32(), json[0].GetProperty("firstSequence").GetInt32()));
        Assert.Equal(1, json[1].GetProperty("damages").GetInt32());

        // What is before the damage can be saved, and where it ends is told.
        var dumped = (await CometProcess.RunAsync("journal", "dump", journal)).Exits(1);
        Assert.Equal(lines[..1], dumped.Lines);
        Assert.StartsWith("comet: Corrupt: ", dumped.Errors, StringComparison.Ordinal);

        var dry = (await CometProcess.RunAsync("journal", "repair", journal, "--dry-run")).Exits(0);
        Assert.StartsWith("would do: ", dry.Lines[1], StringComparison.Ordinal);
        (await CometProcess.RunAsync("journal", "verify", journal)).Exits(1);
        var repaired = (await CometProcess.RunAsync("journal", "repair", journal)).Exits(0);
        Assert.Contains(repaired.Lines, line => line.EndsWith(
            $"{Path.Combine(journal, $"damaged-1-{Path.GetFileName(file)}.kept")}", StringComparison.Ordinal));
        (await CometProcess.RunAsync("journal", "verify", journal)).Exits(0);
        string[] kept = [lines[0], .. lines.Skip(2)];
        Assert.Equal(kept, (await CometProcess.RunAsync("journal", "dump", journal)).Exits(0).Lines);
        Assert.Equal("No damage: nothing was changed.", (await CometProcess.RunAsync("journal", "repair", journal)).Exits(0).Lines[^1]);
    }

    [Fact]
    public async Task Verify_works_on_a_journal_that_two_processes_are_writing_and_repair_refuses_it()
    {
        using var folder = new TemporaryFolder();
        var journal = folder.Path("j");
        (await CometProcess.RunWithInputAsync("first\n"u8.ToArray(), "journal", "append", journal)).Exits(0);
        // Before the writers: it shows the last few records of what is there, and all that come.
        await using var tail = CometProcess.Start("journal", "tail", journal);
        await tail.Output.WaitForLinesAsync(1);
        await using var a = CometProcess.Start("journal", "append", journal);
        await using var b = CometProcess.Start("journal", "append", journal);
        var writing = Task.WhenAll(WriteAsync(a), WriteAsync(b));
        await tail.Output.WaitForLinesAsync(100);
        for (var i = 0; i < 3; i++)
            (await CometProcess.RunAsync("journal", "verify", journal)).Exits(0);
        Assert.Contains("InUse", (await CometProcess.RunAsync("journal", "repair", journal)).Exits(1).Errors, StringComparison.Ordinal);
        await writing;
        (await a.WaitForExitAsync()).Exits(0);
        (await b.WaitForExitAsync()).Exits(0);
        (await CometProcess.RunAsync("journal", "verify", journal)).Exits(0);
    }

    private static async Task WriteAsync(CometProcess process)
    {
        for (var i = 0; i < 20_000; i++)
            await process.Input.WriteAsync(Encoding.ASCII.GetBytes($"line {i}\n"));
        await process.Input.FlushAsync();
    }

    private static void Overwrite(string file, long position)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        stream.Position = position;
        stream.WriteByte(0xA5);
    }
}
