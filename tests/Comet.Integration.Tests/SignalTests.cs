using System.Globalization;
using System.Text;
using Comet.Client;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>Ctrl-C and SIGTERM end each command in good order.</summary>
public sealed class SignalTests
{
    [Theory]
    [InlineData(nameof(Signal.Terminate))]
    [InlineData(nameof(Signal.Interrupt))]
    public async Task A_server_under_load_drains_and_exits_0_and_its_clients_hear_why(string signal)
    {
        await using var server = await CometServerProcess.StartAsync();
        var log = new LogCollector();
        await using var traffic = await Traffic.StartAsync("t", log, server.Address);
        await using var consumer = server.Start("consume", "t", "--subscription", "child", "--from", "earliest");
        await consumer.Output.WaitForLinesAsync(100);
        await traffic.GoOnAsync();

        server.Process.Send(Enum.Parse<Signal>(signal));
        var result = (await server.Process.WaitForExitAsync(closeInput: false)).Exits(0);

        Assert.Equal("", result.Errors);
        Assert.Single(result.Lines);
        await traffic.State.WaitForAsync(ClientState.Reconnecting).WaitAsync(Limits.Wait);
        Assert.Contains(log.Messages, static message => message.Contains(nameof(ErrorCode.BrokerStopping), StringComparison.Ordinal));
        Assert.False(consumer.HasExited, "The consumer should wait for a server to come back.");

        await using var restarted = await CometServerProcess.StartAtAsync(server.Address);
        await traffic.GoOnAsync();
    }

    [Fact]
    public async Task A_server_without_clients_exits_0()
    {
        await using var server = await CometServerProcess.StartAsync();
        server.Process.Send(Signal.Terminate);
        Assert.Equal("", (await server.Process.WaitForExitAsync(closeInput: false)).Exits(0).Errors);
    }

    [Fact]
    public async Task A_server_that_is_told_to_stop_before_it_listens_exits_0()
    {
        using var folder = new TemporaryFolder();
        var pipe = folder.Pipe("key");
        await using var server = CometProcess.Start("serve", "--listen", "comet://127.0.0.1:0", "--data", folder.Path("data"), "--key",
            $"k={pipe}");
        // It can be opened when the server reads its key, which it does before it listens.
        await using (var key = await Task.Run(() => new FileStream(pipe, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0))
            .WaitAsync(Limits.Wait))
        {
            server.Send(Signal.Terminate);
            await key.WriteAsync(new byte[32]);
        }
        var result = (await server.WaitForExitAsync()).Exits(0);
        Assert.DoesNotContain("stopped before", result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(Signal.Interrupt))]
    [InlineData(nameof(Signal.Terminate))]
    public async Task An_interrupted_consumer_has_acked_exactly_what_it_wrote(string signal)
    {
        const int Count = 30_000;
        await using var server = await CometServerProcess.StartAsync();
        (await server.RunAsync("topic", "create", "t")).Exits(0);
        string[] consume = ["consume", "t", "--subscription", "s", "--from", "earliest"];
        await using var consumer = server.Start(consume);
        await using var producer = server.Start("produce", "t");
        var lines = Enumerable.Range(0, Count).Select(static i => i.ToString(CultureInfo.InvariantCulture)).ToArray();
        var feeding = FeedAsync(producer, lines);
        await consumer.Output.WaitForLinesAsync(1_000);

        consumer.Send(Enum.Parse<Signal>(signal));
        var first = (await consumer.WaitForExitAsync()).Exits(0);
        await feeding;
        (await producer.WaitForExitAsync()).Exits(0);

        Assert.Equal("", first.Errors);
        var rest = (await server.RunAsync([.. consume, "--timeout", "1s"])).Exits(0);
        Assert.Equal<IEnumerable<string>>(lines, [.. first.Lines, .. rest.Lines]);
    }

    [Fact]
    public async Task A_stopped_producer_that_reads_an_endless_input_exits_1()
    {
        await using var server = await CometServerProcess.StartAsync();
        await using var consumer = server.Start("consume", "t", "--subscription", "s", "--from", "earliest");
        await using var producer = server.Start("produce", "t");
        await FeedAsync(producer, ["one", "two"]);
        await consumer.Output.WaitForLinesAsync(2);

        producer.Send(Signal.Terminate);

        var result = (await producer.WaitForExitAsync(closeInput: false)).Exits(1);
        Assert.Equal("comet: the first 2 message(s) are confirmed, no other was sent\ncomet: stopped before it was done\n", result.Errors);
        Assert.Empty(result.OutputBytes);
    }

    [Fact]
    public async Task An_interrupted_consumer_whose_server_is_gone_ends_soon()
    {
        await using var server = await CometServerProcess.StartAsync();
        (await server.RunAsync("produce", "t", "--count", "10")).Exits(0);
        await using var consumer = server.Start("consume", "t", "--subscription", "s", "--from", "earliest");
        await consumer.Output.WaitForLinesAsync(10);
        await server.Process.KillAsync();

        consumer.Send(Signal.Interrupt);

        var start = TimeProvider.System.GetTimestamp();
        var result = await consumer.WaitForExitAsync(closeInput: false);
        // Whether the last acks had been confirmed when the server died is chance; waiting for its return is not.
        Assert.InRange(result.ExitCode, 0, 1);
        Assert.InRange(TimeProvider.System.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(15));
        Assert.Equal(10, result.Lines.Length);
        Assert.Contains("reconnecting", result.Errors, StringComparison.Ordinal);
    }

    private static async Task FeedAsync(CometProcess producer, string[] lines)
    {
        foreach (var chunk in lines.Chunk(500))
            await producer.Input.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(chunk.Select(static line => line + "\n"))));
        await producer.Input.FlushAsync();
    }
}
