using System.Text;
using Comet.Client;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>A server that dies and comes back, and one that does not.</summary>
public sealed class RestartTests
{
    [Fact]
    public async Task Producer_and_consumer_come_back_by_themselves_after_the_server_was_killed()
    {
        await using var server = await CometServerProcess.StartAsync();
        await using var traffic = await Traffic.StartAsync("t", null, server.Address);
        await traffic.GoOnAsync();

        await server.Process.KillAsync();
        await traffic.State.WaitForAsync(ClientState.Reconnecting).WaitAsync(Limits.Wait);
        await using var restarted = await CometServerProcess.StartAtAsync(server.Address);

        Assert.Equal(server.Address, restarted.Address);
        await traffic.GoOnAsync();
        Assert.Equal(ClientState.Connected, traffic.State.Current);
    }

    [Fact]
    public async Task The_commands_come_back_by_themselves_after_the_server_was_killed()
    {
        await using var server = await CometServerProcess.StartAsync("--partitions", "2");
        await using var consumer = server.Start("consume", "t", "--subscription", "s", "--from", "earliest");
        await using var producer = server.Start("produce", "t");
        await FeedAsync(producer, "before ", 1_000);
        await consumer.Output.WaitForTextAsync("before 999\n");

        await server.Process.KillAsync();
        await FeedAsync(producer, "between ", 1_000);
        await using var restarted = await CometServerProcess.StartAtAsync(server.Address, "--partitions", "2");
        await FeedAsync(producer, "after ", 1_000);
        var produced = (await producer.WaitForExitAsync()).Exits(0);

        Assert.StartsWith("3,000 messages confirmed in ", produced.Lines[^1], StringComparison.Ordinal);
        await consumer.Output.WaitForLinesAsync(3_000);
        foreach (var prefix in (string[])["between ", "after "])
        {
            var received = consumer.Output.Lines.Where(line => line.StartsWith(prefix, StringComparison.Ordinal));
            Assert.Equal(1_000, received.Distinct(StringComparer.Ordinal).Count());
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_goes_to_the_second_server_when_the_first_is_gone(bool isKilled)
    {
        await using var first = await CometServerProcess.StartAsync();
        await using var second = await CometServerProcess.StartAsync();
        await using var traffic = await Traffic.StartAsync("t", null, first.Address, second.Address);
        await using var consumer = CometProcess.Start(
            "consume", "t", "--subscription", "child", "--from", "earliest", "-s", first.Address, "-s", second.Address);
        await consumer.Output.WaitForLinesAsync(10);
        await traffic.GoOnAsync();
        Assert.Equal("", (await second.RunAsync("topic", "list")).Exits(0).Output);

        if (isKilled)
            await first.Process.KillAsync();
        else
            first.Process.Send(Signal.Terminate);
        await first.Process.WaitForExitAsync();

        await traffic.GoOnAsync();
        Assert.StartsWith("t\t1 partition(s)\t", (await second.RunAsync("topic", "list")).Exits(0).Output, StringComparison.Ordinal);
        await consumer.Output.WaitForLinesAsync(consumer.Output.LineCount + 100);
    }

    [Fact]
    public async Task A_client_starts_with_the_second_server_when_the_first_is_not_there()
    {
        await using var server = await CometServerProcess.StartAsync();
        (await CometProcess.RunAsync("produce", "t", "--count", "1", "-s", "comet://127.0.0.1:1", "-s", server.Address)).Exits(0);
    }

    private static async Task FeedAsync(CometProcess producer, string prefix, int count)
    {
        await producer.Input.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, count).Select(i => $"{prefix}{i}\n"))));
        await producer.Input.FlushAsync();
    }
}
