using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Comet.Client;
using Comet.Server;

namespace Comet.Benchmarks.Schedules;

/// <summary>Very many scheduled messages of a broker on disk: what they take in memory, how long it takes to open them again, and how late
/// they come. Broker and client are in this process, and the client has next to nothing in memory at each look.</summary>
internal static class ScheduleBenchmarks
{
    private const string Topic = "later";
    private const int DuePerSecond = 5_000;
    private const int Due = 25_000;
    private const int Keys = 100_000;

    // Next to no two of those that are due one behind the other were stored so.
    private const int Stride = 7_919;

    /// <param name="arguments">The number of messages, where their data goes, in a folder that is removed, and "scattered" when those that
    /// come due are to lie all over the log and not side by side.</param>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var count = long.Parse(arguments[0], CultureInfo.InvariantCulture);
        var folder = Directory.CreateDirectory(Path.Combine(arguments[1], $"comet-schedules-{Environment.ProcessId}"));
        try
        {
            var data = Path.Combine(folder.FullName, "data");
            // What is due first lies behind millions of others by then, far from what is in memory.
            var first = DateTimeOffset.UtcNow + TimeSpan.FromSeconds(20 + (count / 60_000.0));
            await FillAsync(data, count, first, arguments is [_, _, "scattered"]);
            await ComeBackAsync(data, count, first);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return 0;
    }

    private static async Task FillAsync(string data, long count, DateTimeOffset first, bool isScattered)
    {
        await using var broker = Open(data);
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport });
        await client.Topics.CreateAsync(Topic);
        await client.Subscriptions.CreateAsync(Topic, "s", SubscriptionType.Shared, start: StartPosition.Earliest);
        await client.Topics.CreateAsync("plain");
        Console.WriteLine($"publish: {await SendAsync(client, "plain", count / 5, static _ => null):N0}/s");
        DateTimeOffset DueAt(long i) => first + TimeSpan.FromSeconds((double)(i * Stride % Due) / DuePerSecond);
        if (!isScattered)
            await SendAsync(client, Topic, Due, i => first + TimeSpan.FromSeconds((double)i / DuePerSecond), hasKeys: false);
        var before = Resident();
        var begin = first + TimeSpan.FromHours(1);
        // A large odd step visits the hour's milliseconds in no order.
        var (step, all) = (count / Due, isScattered ? count + Due : count);
        var rate = await SendAsync(client, Topic, all, i => isScattered && i % (step + 1) == step && i / (step + 1) < Due
            ? DueAt(i / (step + 1))
            : begin.AddMilliseconds(i * 1_000_003 % 3_600_000), hasKeys: !isScattered);
        Console.WriteLine($"schedule: {rate:N0}/s; resident before {before.All:N0} MB, after {Resident().All:N0} MB "
            + $"(of it anonymous: {before.Anonymous:N0} and {Resident().Anonymous:N0})");
        var start = Stopwatch.GetTimestamp();
        var cancelled = 0L;
        for (var key = 0; key < 100; key++)
            cancelled += await client.Schedules.CancelByKeyAsync(Topic, $"k{key}");
        Console.WriteLine($"cancel by key: {cancelled:N0} messages of 100 keys in {Milliseconds(start):N0} ms");
    }

    private static async Task ComeBackAsync(string data, long count, DateTimeOffset first)
    {
        var start = Stopwatch.GetTimestamp();
        await using var broker = Open(data);
        await broker.RecoverAsync();
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport });
        var waiting = await client.Schedules.CountAsync(Topic);
        Console.WriteLine($"open again: {waiting:N0} of {count + Due:N0} wait after {Milliseconds(start):N0} ms, "
            + $"resident {Resident().All:N0} MB; {(first - DateTimeOffset.UtcNow).TotalSeconds:N0} s before the first is due");
        await using var consumer = await client.SubscribeAsync<ReadOnlyMemory<byte>>(Topic, "s", new() { Type = SubscriptionType.Shared });
        var late = new double[Due];
        var cpu = Process.GetCurrentProcess().TotalProcessorTime;
        for (var i = 0; i < Due; i++)
        {
            var delivery = await consumer.ReceiveAsync();
            var due = BinaryPrimitives.ReadInt64LittleEndian(delivery.Value.Span);
            late[i] = (double)(DateTimeOffset.UtcNow.UtcTicks - due) / TimeSpan.TicksPerMillisecond;
            await delivery.AckAsync();
        }
        cpu = Process.GetCurrentProcess().TotalProcessorTime - cpu;
        Array.Sort(late);
        Console.WriteLine($"due at {DuePerSecond:N0}/s from the cold log: p50 {late[Due / 2]:N1} ms, p99 {late[Due * 99 / 100]:N1} ms, "
            + $"most {late[^1]:N1} ms, least {late[0]:N1} ms; "
            + $"{cpu.TotalMicroseconds / Due:N0} µs of processor time a message");
    }

    private static CometBroker Open(string data) => new(new CometServerOptions
    {
        LocalStorage = new() { Directory = data },
        MaxScheduledMessages = 100_000_000,
        MemoryLimit = 32 * 1024 * 1024,
    });

    private static async Task<double> SendAsync(CometClient client, string topic, long count, Func<long, DateTimeOffset?> due,
        bool hasKeys = true)
    {
        await using var producer = await client.CreateProducerAsync<ReadOnlyMemory<byte>>(topic);
        var payload = new byte[100];
        var start = Stopwatch.GetTimestamp();
        for (var i = 0L; i < count; i++)
        {
            var at = due(i);
            BinaryPrimitives.WriteInt64LittleEndian(payload, at?.UtcTicks ?? 0);
            var key = at is null || !hasKeys || i % 2 > 0 ? null : $"k{i / 2 % Keys}";
            await producer.EnqueueAsync(new(payload) { DeliverAt = at, Key = key });
        }
        await producer.FlushAsync();
        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>What the process has in memory, in MB: all of it, and without mapped files.</summary>
    private static (double All, double Anonymous) Resident()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
        var lines = File.Exists("/proc/self/status") ? File.ReadAllLines("/proc/self/status") : [];
        double Read(string name) => lines.Where(line => line.StartsWith(name, StringComparison.Ordinal))
            .Select(static line => line.Split(':')[1].Replace("kB", "", StringComparison.Ordinal))
            .Select(static kilobytes => double.Parse(kilobytes, CultureInfo.InvariantCulture) / 1024)
            .FirstOrDefault(Environment.WorkingSet / 1048576.0);
        return (Read("VmRSS"), Read("RssAnon"));
    }

    private static double Milliseconds(long start) => Stopwatch.GetElapsedTime(start).TotalMilliseconds;
}
