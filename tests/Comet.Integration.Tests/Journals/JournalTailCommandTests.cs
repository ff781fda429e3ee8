using System.Text;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests.Journals;

/// <summary>comet journal tail and comet journal stat, while other processes append.</summary>
public sealed class JournalTailCommandTests
{
    private static readonly byte[] s_first = "1\n2\n3\n"u8.ToArray();

    [Fact]
    public async Task It_follows_two_other_processes_and_each_ones_lines_keep_their_order()
    {
        const int Each = 500;
        using var folder = new TemporaryFolder();
        var journal = folder.Path("j");
        (await CometProcess.RunWithInputAsync(s_first, "journal", "append", journal)).Exits(0);
        await using var tail = CometProcess.Start("journal", "tail", journal, "--lines", "2");
        await tail.Output.WaitForLinesAsync(2);
        await using var a = CometProcess.Start("journal", "append", journal);
        await using var b = CometProcess.Start("journal", "append", journal);
        for (var i = 0; i < Each; i++)
        {
            await a.Input.WriteAsync(Encoding.ASCII.GetBytes($"a{i}\n"), TestContext.Current.CancellationToken);
            await b.Input.WriteAsync(Encoding.ASCII.GetBytes($"b{i}\n"), TestContext.Current.CancellationToken);
        }

        // Both are still there and have their journals open.
        await a.Input.FlushAsync(TestContext.Current.CancellationToken);
        await b.Input.FlushAsync(TestContext.Current.CancellationToken);
        await tail.Output.WaitForLinesAsync(2 + (2 * Each));
        Assert.Equal(["2", "3"], tail.Output.Lines[..2]);
        Assert.Equal(Enumerable.Range(0, Each).Select(static i => $"a{i}"), tail.Output.Lines.Where(static line => line[0] == 'a'));
        Assert.Equal(Enumerable.Range(0, Each).Select(static i => $"b{i}"), tail.Output.Lines.Where(static line => line[0] == 'b'));

        // A dump beside them sees the same order, and has an end.
        var dumped = (await CometProcess.RunAsync("journal", "dump", journal)).Exits(0).Lines;
        Assert.Equal(["1", .. tail.Output.Lines], dumped);
        (await a.WaitForExitAsync()).Exits(0);
        (await b.WaitForExitAsync()).Exits(0);
        tail.Send(Signal.Interrupt);
        (await tail.WaitForExitAsync(closeInput: false)).Exits(0);
    }

    [Fact]
    public async Task Without_news_for_the_given_time_it_ends_and_json_is_one_object_per_line()
    {
        using var folder = new TemporaryFolder();
        (await CometProcess.RunWithInputAsync(s_first, "journal", "append", folder.Path("j"))).Exits(0);
        string[] tail = ["journal", "tail", folder.Path("j"), "--timeout", "100ms"];
        Assert.Equal(["1", "2", "3"], (await CometProcess.RunAsync(tail)).Exits(0).Lines);
        Assert.Empty((await CometProcess.RunAsync([.. tail, "--lines", "0"])).Exits(0).Lines);
        var last = Assert.Single((await CometProcess.RunAsync([.. tail, "--lines", "1", "--json"])).Exits(0).Json);
        Assert.Equal((2, "3"), (last.GetProperty("sequence").GetInt64(), last.GetProperty("payload").GetString()));
    }

    [Fact]
    public async Task Stat_tells_how_much_there_is()
    {
        using var folder = new TemporaryFolder();
        (await CometProcess.RunWithInputAsync(s_first, "journal", "append", folder.Path("j"))).Exits(0);
        var stat = Assert.Single((await CometProcess.RunAsync("journal", "stat", folder.Path("j"), "--json")).Exits(0).Json);
        Assert.Equal((0, 2, 3, 1), (stat.GetProperty("firstSequence").GetInt64(), stat.GetProperty("lastSequence").GetInt64(),
            stat.GetProperty("records").GetInt64(), stat.GetProperty("segments").GetInt32()));
        Assert.True(stat.GetProperty("fileBytes").GetInt64() >= 1 << 20);
        Assert.StartsWith("3 records, sequences 0 to 2, in 1 segment files of ",
            (await CometProcess.RunAsync("journal", "stat", folder.Path("j"))).Exits(0).Lines[0], StringComparison.Ordinal);
    }
}
