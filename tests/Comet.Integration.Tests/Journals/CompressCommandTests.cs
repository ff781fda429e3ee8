using System.Text;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests.Journals;

/// <summary>comet journal compress, on a journal that other processes write and read.</summary>
public sealed class CompressCommandTests
{
    private const int Lines = 30_000;

    [Theory]
    [InlineData("lz4", "--level", "9")]
    [InlineData("snappy")]
    public async Task It_compresses_while_others_write_and_read_and_what_is_dumped_is_the_same(string codec, params string[] more)
    {
        using var folder = new TemporaryFolder();
        var directory = folder.Path("journal");
        var lines = Orders();
        (await CometProcess.RunWithInputAsync(lines, "journal", "append", directory)).Exits(0);
        var before = (await CometProcess.RunAsync("journal", "dump", directory)).Exits(0);
        Assert.Equal(lines, before.OutputBytes);

        await using var writer = CometProcess.Start("journal", "append", directory);
        await using var reader = CometProcess.Start("journal", "tail", directory, "--lines", "1");
        _ = await reader.Output.WaitForLineAsync($"order {Lines - 1}:");
        var compressed = await CometProcess.RunAsync(["journal", "compress", directory, "--codec", codec, .. more, "--json"]);
        var report = compressed.Exits(0).Json[0];
        Assert.True(report.GetProperty("segments").GetInt32() > 0);
        Assert.True(report.GetProperty("bytesAfter").GetInt64() * 2 < report.GetProperty("bytesBefore").GetInt64());
        Assert.NotEmpty(Directory.GetFiles(directory, "*.packed"));
        Assert.Equal(lines, (await CometProcess.RunAsync("journal", "dump", directory)).Exits(0).OutputBytes);

        await writer.Input.WriteAsync("behind what was compressed\n"u8.ToArray());
        (await writer.WaitForExitAsync()).Exits(0);
        _ = await reader.Output.WaitForLineAsync("behind what was compressed");
        var again = (await CometProcess.RunAsync("journal", "compress", directory)).Exits(0);
        Assert.StartsWith("0 segments compressed", again.Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_encrypts_and_what_is_encrypted_is_dumped_with_the_key_only()
    {
        using var folder = new TemporaryFolder();
        var directory = folder.Path("journal");
        var lines = Orders();
        (await CometProcess.RunWithInputAsync(lines, "journal", "append", directory)).Exits(0);
        var key = folder.Write("key", new byte[32]);
        var hex = folder.Write("hex", Encoding.ASCII.GetBytes(new string('0', 64) + "\n"));
        (await CometProcess.RunAsync("journal", "compress", directory, "--encrypt")).Exits(2);
        (await CometProcess.RunAsync("journal", "compress", directory, "--encrypt", "--key", "k=" + folder.Path("none"))).Exits(2);
        (await CometProcess.RunAsync("journal", "compress", directory, "--encrypt", "--key", $"k={key}")).Exits(0);
        var refused = (await CometProcess.RunAsync("journal", "dump", directory)).Exits(1);
        Assert.Contains("'k'", refused.Errors, StringComparison.Ordinal);
        Assert.Contains(".packed", refused.Errors, StringComparison.Ordinal);
        Assert.Equal(lines, (await CometProcess.RunAsync("journal", "dump", directory, "--key", $"k={hex}")).Exits(0).OutputBytes);
    }

    [Fact]
    public async Task A_journal_that_is_not_there_is_not_created_and_a_damaged_segment_is_named()
    {
        using var folder = new TemporaryFolder();
        var directory = folder.Path("journal");
        (await CometProcess.RunAsync("journal", "compress", directory)).Exits(2);
        Assert.False(Directory.Exists(directory));
        (await CometProcess.RunAsync("journal", "compress", directory, "--level", "13")).Exits(2);

        var lines = Orders();
        (await CometProcess.RunWithInputAsync(lines, "journal", "append", directory)).Exits(0);
        var first = Directory.GetFiles(directory, "*.journal").Order(StringComparer.Ordinal).First();
        await using (var file = new FileStream(first, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            file.Position = 100_000;
            file.Write("damage"u8);
        }

        var result = (await CometProcess.RunAsync("journal", "compress", directory)).Exits(1);
        Assert.Contains(first, result.Errors, StringComparison.Ordinal);
        Assert.True(File.Exists(first));
        Assert.False(File.Exists($"{first}.packed"));
    }

    private static byte[] Orders() => Encoding.UTF8.GetBytes(string.Concat(
        Enumerable.Range(0, Lines).Select(i => $"order {i}: three pieces, as always, to be sent\n")));
}
