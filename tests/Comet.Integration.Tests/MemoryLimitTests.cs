using Comet.Client;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>A server whose memory is full refuses, says so, and takes messages again when they were consumed.</summary>
public sealed class MemoryLimitTests
{
    private const int Count = 4_000;

    [Fact]
    public async Task A_full_server_refuses_until_its_subscription_is_drained()
    {
        await using var server = await CometServerProcess.StartAsync("--memory-limit", "1m");
        string[] consume = ["consume", "t", "--subscription", "s", "--from", "earliest"];
        (await server.RunAsync([.. consume, "--count", "0"])).Exits(0);
        await using var producer = server.Start("produce", "t", "--count", $"{Count}", "--size", "1k");
        await producer.Errors.WaitForTextAsync(nameof(ErrorCode.StorageFull));
        Assert.False(producer.HasExited);

        var consumed = (await server.RunAsync([.. consume, "--count", $"{Count}"])).Exits(0);

        Assert.StartsWith("4,000 messages confirmed in ", (await producer.WaitForExitAsync()).Exits(0).Lines[^1], StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(0, Count).Select(static i => $"{i}"), consumed.Lines.Select(static line => line.TrimEnd('.')));
    }

    [Theory]
    [InlineData("4000")]
    [InlineData("100000")]
    public async Task A_producer_that_waits_too_long_fails_with_the_reason(string count)
    {
        await using var server = await CometServerProcess.StartAsync("--memory-limit", "1m");
        (await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--count", "0")).Exits(0);
        var result = (await server.RunAsync("produce", "t", "--count", count, "--size", "1k", "--timeout", "1s")).Exits(1);
        Assert.Contains("comet: Timeout: ", result.Errors, StringComparison.Ordinal);
        Assert.Contains("memory", result.Errors, StringComparison.Ordinal);
        Assert.Empty(result.OutputBytes);
    }

    [Fact]
    public async Task The_refusal_is_transient()
    {
        await using var server = await CometServerProcess.StartAsync("--memory-limit", "1m");
        await using var client = await CometClient.ConnectAsync(server.Address);
        await using var consumer = await client.SubscribeAsync<ReadOnlyMemory<byte>>("t", "s");
        // Long enough for the refusal to come, also on a busy machine.
        var options = new ProducerOptions<ReadOnlyMemory<byte>> { SendTimeout = TimeSpan.FromSeconds(5) };
        await using var producer = await client.CreateProducerAsync("t", options);
        var payload = new byte[100_000];
        var failure = await Assert.ThrowsAsync<CometException>(async () =>
        {
            for (var i = 0; i < 20; i++)
                await producer.SendAsync(payload);
        });
        Assert.Equal(ErrorCode.Timeout, failure.Code);
        var refusal = Assert.IsType<CometException>(failure.InnerException);
        Assert.Equal((ErrorCode.StorageFull, true), (refusal.Code, refusal.IsTransient));
        Assert.NotEqual(ProducerState.Faulted, producer.State.Current);
    }
}
