using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

public sealed class BenchCommandTests
{
    [Fact]
    public async Task Bench_measures_a_server_of_its_own_and_prints_one_line_of_json()
    {
        var result = await CometProcess.RunAsync("bench", "publish", "--scale", "0.001", "--repeat", "1", "--size", "100", "--json");
        var measured = Assert.Single(result.Exits(0).Json);
        Assert.Equal("publish", measured.GetProperty("scenario").GetString());
        Assert.Equal(100, measured.GetProperty("size").GetInt32());
        Assert.True(measured.GetProperty("rateMedian").GetDouble() > 0);
        Assert.True(measured.GetProperty("messages").GetInt64() > 0);
        Assert.Equal("", result.Errors);
    }

    [Fact]
    public async Task With_data_the_server_of_its_own_keeps_messages_on_disk_and_leaves_nothing_there()
    {
        using var folder = new TemporaryFolder();
        string[] arguments = ["bench", "publish", "--scale", "0.001", "--repeat", "1", "--size", "100", "--json"];
        var result = await CometProcess.RunAsync([.. arguments, "--data", folder.Path("data")]);
        Assert.Single(result.Exits(0).Json);
        Assert.False(Directory.Exists(folder.Path("data")));
        (await CometProcess.RunAsync([.. arguments, "--data", folder.Path("data"), "--server", "comet://127.0.0.1:1"])).Exits(2);
    }

    [Fact]
    public async Task A_durable_confirm_is_held_against_the_disk_and_the_network_of_the_same_run()
    {
        using var folder = new TemporaryFolder();
        string[] arguments = ["bench", "ping-pong", "append", "latency", "--scale", "0.001", "--size", "100", "--json"];
        var result = await CometProcess.RunAsync([.. arguments, "--data", folder.Path("data")]);
        var latency = result.Exits(0).Json.Single(static line => line.GetProperty("scenario").GetString() == "latency");
        Assert.True(latency.GetProperty("timesAppend").GetDouble() > 0);
        Assert.False(Directory.Exists(folder.Path("data")));
        Assert.Contains("--data", (await CometProcess.RunAsync("bench", "append")).Exits(2).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_backlog_on_disk_is_drained_by_a_server_that_was_started_again()
    {
        using var folder = new TemporaryFolder();
        string[] arguments = ["bench", "drain-disk", "--drain", "2m", "--size", "1024", "--json"];
        var measured = Assert.Single((await CometProcess.RunAsync([.. arguments, "--data", folder.Path("data")])).Exits(0).Json);
        Assert.Equal(2048, measured.GetProperty("messages").GetInt64());
        Assert.True(measured.GetProperty("brokerPeakMegabytes").GetDouble() > 1);
        Assert.False(Directory.Exists(folder.Path("data")));
    }

    [Fact]
    public async Task A_folder_of_another_process_of_the_same_number_is_left_alone()
    {
        using var folder = new TemporaryFolder();
        // The shell becomes the command, so its number is the command's.
        await using var bench = CometProcess.StartUnder(
            ["sh", "-c", $"cd '{folder.Path("")}' && mkdir comet-bench-$$ && echo x > comet-bench-$$/mine && exec \"$0\" \"$@\""],
            ["bench", "append", "--scale", "0.001", "--size", "100", "--data", folder.Path("")]);
        (await bench.WaitForExitAsync()).Exits(0);
        Assert.Equal([folder.Path($"comet-bench-{bench.Id}/mine")],
            Directory.EnumerateFiles(folder.Path(""), "*", SearchOption.AllDirectories));
        Assert.Single(Directory.EnumerateDirectories(folder.Path("")));
    }

    [Theory]
    [InlineData("publish", "--scale", "100")]
    [InlineData("append", "--scale", "100")]
    [InlineData("drain-disk", "--drain", "100g")]
    public async Task A_bench_that_is_stopped_removes_what_it_made_and_nothing_else(params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        folder.Write("mine", "x"u8);
        var data = folder.Path("made/data");
        await using var bench = CometProcess.Start(["bench", .. arguments, "--data", data]);
        while (!Directory.Exists(data) || !Directory.EnumerateFiles(data, "*", SearchOption.AllDirectories).Any())
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
        bench.Send(Signal.Interrupt);
        var result = (await bench.WaitForExitAsync()).Exits(1);
        Assert.Equal("comet: stopped before it was done\n", result.Errors);
        Assert.Equal([folder.Path("mine")], Directory.EnumerateFileSystemEntries(folder.Path("")));
    }
}
