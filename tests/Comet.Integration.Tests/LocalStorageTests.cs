using Comet.Integration.Tests.Processes;
using Comet.Tests;

namespace Comet.Integration.Tests;

/// <summary>A server that keeps its data on disk, and loses its process.</summary>
public sealed class LocalStorageTests : IDisposable
{
    private const int Cycles = 10;

    private readonly TemporaryFolder _folder = new();

    private string Data => _folder.Path("data");

    private string[] Arguments => ["--storage", "local", "--data", Data];

    public void Dispose() => _folder.Dispose();

    [Fact]
    [TakesLong]
    public async Task Nothing_confirmed_is_lost_invented_or_out_of_order_however_often_the_server_is_killed()
    {
        var server = await CometServerProcess.StartAsync(Arguments);
        try
        {
            await using var load = await DurableLoad.StartAsync("t", server.Address);
            for (var i = 0; i < Cycles; i++)
            {
                await load.GoOnAsync(messages: 200, acks: 100);
                await server.Process.KillAsync();
                await server.DisposeAsync();
                server = await CometServerProcess.StartAtAsync(server.Address, Arguments);
            }
            await load.DrainAsync();
            await load.CheckAsync();
            TestContext.Current.SendDiagnosticMessage($"{load.Confirmed} messages confirmed, {load.Acked} acks");
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_stop_in_the_middle_of_traffic_loses_nothing()
    {
        var server = await CometServerProcess.StartAsync(Arguments);
        try
        {
            await using var load = await DurableLoad.StartAsync("t", server.Address);
            await load.GoOnAsync(messages: 200, acks: 100);
            server.Process.Send(Signal.Terminate);
            (await server.Process.WaitForExitAsync()).Exits(0);
            server = await CometServerProcess.StartAtAsync(server.Address, Arguments);
            await load.GoOnAsync(messages: 100, acks: 100);
            await load.DrainAsync();
            await load.CheckAsync();
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_second_server_is_refused_the_directory_and_told_who_has_it()
    {
        await using var server = await CometServerProcess.StartAsync(Arguments);
        var second = await CometProcess.RunAsync(["serve", "--listen", "comet://127.0.0.1:0", .. Arguments]);
        Assert.NotEqual(0, second.ExitCode);
        Assert.Contains("in use by process ", second.Errors, StringComparison.Ordinal);
        Assert.Contains(Data, second.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--storage local needs --data", "--storage", "local")]
    [InlineData("--storage memory keeps nothing on disk", "--storage", "memory", "--data")]
    public async Task Storage_and_data_that_do_not_go_together_are_refused(string said, params string[] arguments)
    {
        string[] data = arguments.Contains("--data") ? [Data] : [];
        var result = (await CometProcess.RunAsync(["serve", .. arguments, .. data, "--listen", "comet://127.0.0.1:0"])).Exits(2);
        Assert.Contains(said, result.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Data));
    }

    [Fact]
    public async Task A_directory_alone_is_local_storage_and_says_so_in_one_line()
    {
        await using (var server = await CometServerProcess.StartAsync("--data", Data))
        {
            (await server.RunAsync("produce", "t", "--count", "3", "--size", "2")).Exits(0);
            server.Process.Send(Signal.Terminate);
            var said = (await server.Process.WaitForExitAsync()).Exits(0);
            Assert.Equal($"comet: messages are kept on disk, in {Data} (--storage local)\n", said.Errors);
            Assert.Single(said.Lines);
        }
        await using var again = await CometServerProcess.StartAsync(Arguments);
        var kept = await again.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--count", "3");
        Assert.Equal(["0.", "1.", "2."], kept.Exits(0).Lines);
        again.Process.Send(Signal.Terminate);
        Assert.Equal("", (await again.Process.WaitForExitAsync()).Exits(0).Errors);
    }
}
