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
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path("data")));
        (await CometProcess.RunAsync([.. arguments, "--data", folder.Path("data"), "--server", "comet://127.0.0.1:1"])).Exits(2);
    }
}
