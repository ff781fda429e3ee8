using System.Diagnostics;
using System.Globalization;
using Comet.Client;
using Comet.Server;

namespace Comet.Benchmarks.Schedules;

/// <summary>How long a broker takes to open a large partition again after its process was killed in the middle of publishing.</summary>
internal static class OpeningBenchmarks
{
    public const string FillVerb = "opening-fill";
    private const int MessageLength = 1024;
    private const int MessagesPerGigabyte = 1_000_000_000 / MessageLength;

    /// <param name="arguments">How many gigabytes, and where they go, in a folder that is removed.</param>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var folder = Directory.CreateDirectory(Path.Combine(arguments[1], $"comet-opening-{Environment.ProcessId}"));
        try
        {
            var data = Path.Combine(folder.FullName, "data");
            using (var child = Process.Start(Environment.ProcessPath!, [FillVerb, arguments[0], data]))
                await child.WaitForExitAsync();
            var start = Stopwatch.GetTimestamp();
            await using var broker = Open(data);
            await broker.RecoverAsync();
            var ready = Stopwatch.GetElapsedTime(start);
            await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport });
            await using var producer = await client.CreateProducerAsync<ReadOnlyMemory<byte>>("t", new() { ProducerName = "p" });
            await producer.SendAsync(new byte[MessageLength]);
            Console.WriteLine($"{arguments[0]} GB, killed: ready after {ready.TotalMilliseconds:N0} ms, first confirm after "
                + $"{Stopwatch.GetElapsedTime(start).TotalMilliseconds:N0} ms, last sequence id {producer.LastSequenceId:N0}");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return 0;
    }

    /// <summary>Publishes so much, and ends without a word to anybody.</summary>
    public static async Task<int> FillAsync(string[] arguments)
    {
        await using var broker = Open(arguments[1]);
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport });
        await client.Topics.CreateAsync("t", policy: TopicPolicy.Default with { Retention = RetentionPolicy.Forever });
        await using var producer = await client.CreateProducerAsync<ReadOnlyMemory<byte>>("t", new() { ProducerName = "p" });
        var payload = new byte[MessageLength];
        var count = (long)(double.Parse(arguments[0], CultureInfo.InvariantCulture) * MessagesPerGigabyte);
        for (var i = 0L; i < count; i++)
            await producer.EnqueueAsync(new(payload));
        Process.GetCurrentProcess().Kill();
        return 1;
    }

    private static CometBroker Open(string data) => new(new CometServerOptions { LocalStorage = new() { Directory = data } });
}
