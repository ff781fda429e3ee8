using System.CommandLine;
using System.Runtime.InteropServices;
using Comet.Cli.Output;
using Comet.Client;

namespace Comet.Cli.Commands;

/// <summary>comet doctor: is a broker there, does it work, and is this machine fit?</summary>
internal static class DoctorCommand
{
    private const int Pings = 100;

    public static Command Create()
    {
        var command = new Command("doctor",
            "Check the way to the broker step by step: connect, latency, partitions that are offline, a message there and "
                + "back. Exits 0 when all is well.");
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var isJson = arguments.GetValue(GlobalOptions.Json);
        Report(isJson, new("runtime", true,
            $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.OSDescription}, {Environment.ProcessorCount} processors"));
        var isWell = true;
        foreach (var server in GlobalOptions.Servers(arguments))
            isWell &= await CheckServerAsync(arguments, server, check => Report(isJson, check), cancellationToken);
        return isWell ? ExitCode.Done : ExitCode.Failed;
    }

    private static async Task<bool> CheckServerAsync(ParseResult arguments, CometEndpoint server, Action<DoctorCheck> report,
        CancellationToken cancellationToken)
    {
        var step = $"connect {server}";
        try
        {
            var start = TimeProvider.System.GetTimestamp();
            await using var client = await GlobalOptions.ConnectAsync(arguments, [server], cancellationToken);
            report(new(step, true, $"connected in {TimeProvider.System.GetElapsedTime(start).TotalMilliseconds:0.0} ms"));
            step = $"ping {server}";
            report(new(step, true, await PingAsync(client, cancellationToken)));
            step = $"storage {server}";
            var health = await client.GetHealthAsync(cancellationToken);
            report(new(step, health.IsHealthy, health.IsHealthy ? "no partition is offline"
                : $"{health.OfflineCount} partition(s) are offline until the broker is started again"));
            foreach (var offline in health.Offline)
                report(new($"partition {offline.Partition} of {offline.Topic}", false, offline.Reason));
            step = $"round trip {server}";
            report(new(step, true, await RoundTripAsync(client, cancellationToken)));
            return health.IsHealthy;
        }
        catch (CometException e)
        {
            report(new(step, false, $"{e.Code}: {e.Message}"));
            return false;
        }
    }

    private static async Task<string> PingAsync(CometClient client, CancellationToken cancellationToken)
    {
        var times = new double[Pings];
        for (var i = 0; i < Pings; i++)
            times[i] = (await client.PingAsync(cancellationToken)).TotalMicroseconds;
        Array.Sort(times);
        return $"{Pings} pings: median {times[Pings / 2]:0} µs, worst {times[^1]:0} µs";
    }

    private static async Task<string> RoundTripAsync(CometClient client, CancellationToken cancellationToken)
    {
        var topic = $"comet-doctor/{Guid.NewGuid():N}";
        await client.Topics.CreateAsync(topic, partitions: 1, cancellationToken: cancellationToken);
        try
        {
            await using var consumer = await client.SubscribeAsync<string>(topic, "doctor", cancellationToken: cancellationToken);
            await using var producer = await client.CreateProducerAsync<string>(topic, cancellationToken: cancellationToken);
            var start = TimeProvider.System.GetTimestamp();
            await producer.SendAsync("hello", cancellationToken);
            var delivery = await consumer.ReceiveAsync(cancellationToken);
            await delivery.AckAsync(cancellationToken);
            await consumer.FlushAcksAsync(cancellationToken);
            return $"a message was stored, delivered and acked in {TimeProvider.System.GetElapsedTime(start).TotalMilliseconds:0.0} ms";
        }
        finally
        {
            await client.Topics.DeleteAsync(topic, CancellationToken.None);
        }
    }

    private static void Report(bool isJson, DoctorCheck check) => Console.WriteLine(isJson
        ? CliJson.Line(check, CliJson.Default.DoctorCheck)
        : $"{(check.Ok ? "ok  " : "FAIL")} {check.Check}: {check.Detail}");
}

/// <summary>The outcome of one check.</summary>
internal sealed record DoctorCheck(string Check, bool Ok, string Detail);
