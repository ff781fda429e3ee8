using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Comet.Cli.Bench;

/// <summary>The disk alone, and a backlog that is larger than what the broker has in memory.</summary>
internal static partial class DiskScenarios
{
    private const int PageLength = 4096;
    private const string Topic = "comet-bench/drain";
    private const string Subscription = "bench";

    /// <summary>The yardstick: one record at a time is written into a file whose space is there and known to the disk, and
    /// flushed by fdatasync.</summary>
    public static Task<BenchResult> AppendAsync(BenchContext context) => context.MeasureLatencyAsync("append", () => Task.Run(() =>
    {
        if (OperatingSystem.IsWindows())
            throw new UsageException("append measures fdatasync, which Windows does not have: measure it on Linux.");
        var path = context.RequireData("append").NewPath();
        try
        {
            using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite);
            return Append(file, context.Payload(), context.Count(20_000), context.Stopped);
        }
        finally
        {
            File.Delete(path);
        }
    }), usesBroker: false);

    private static double[] Append(SafeFileHandle file, byte[] record, long count, CancellationToken stopped)
    {
        // Page by page: the file system keeps what is written at once together, and flushes it together.
        for (var at = 0L; at < count * record.Length; at += PageLength)
            RandomAccess.Write(file, new byte[PageLength], at);
        Flush(file);
        var times = new double[count];
        for (var i = 0; i < times.Length; i++)
        {
            stopped.ThrowIfCancellationRequested();
            var start = BenchContext.Time.GetTimestamp();
            RandomAccess.Write(file, record, (long)i * record.Length);
            Flush(file);
            times[i] = BenchContext.Time.GetElapsedTime(start).TotalMicroseconds;
        }
        return times;
    }

    /// <summary>A backlog on disk, of <see cref="BenchContext.DrainBytes"/>, made at level Os; the broker is killed and started again, and
    /// a consumer acks each message by itself. The time begins when it comes.</summary>
    public static async Task<BenchResult> DrainAsync(BenchContext context)
    {
        var count = Math.Max(1000, context.DrainBytes / context.Size);
        var data = context.RequireData("drain-disk");
        await using var broker = await BrokerProcess.StartAsync(data, context.Stopped);
        await FillAsync(context, broker.Endpoint, count);
        await broker.RestartAsync(context.Stopped);
        await using var client = await context.ConnectAsync(broker.Endpoint);
        var usage = new CpuUsage(broker);
        var start = BenchContext.Time.GetTimestamp();
        await using (var consumer = await client.SubscribeAsync<ReadOnlyMemory<byte>>(Topic, Subscription))
            await ThroughputScenarios.ReceiveAsync(consumer, count);
        var rate = count / BenchContext.Time.GetElapsedTime(start).TotalSeconds;
        var (clientCpu, brokerCpu) = usage.PerMillion(count);
        return new BenchResult
        {
            Scenario = "drain-disk",
            Size = context.Size,
            Messages = count,
            RateMedian = Math.Round(rate),
            RateMin = Math.Round(rate),
            RateMax = Math.Round(rate),
            MegabytesPerSecond = Math.Round(rate * context.Size / 1e6, 1),
            BrokerPeakMegabytes = Math.Round(broker.PeakMemory / 1e6),
            ClientCpuSecondsPerMillion = clientCpu,
            BrokerCpuSecondsPerMillion = brokerCpu,
        };
    }

    private static async Task FillAsync(BenchContext context, CometEndpoint endpoint, long count)
    {
        await using var client = await context.ConnectAsync(endpoint);
        await client.Topics.CreateAsync(Topic, partitions: 1, policy: new TopicPolicy { DefaultDurability = Durability.Os });
        await client.Subscriptions.CreateAsync(Topic, Subscription);
        await using var producer = await client.CreateProducerAsync<ReadOnlyMemory<byte>>(Topic);
        await ThroughputScenarios.SendAsync(producer, context.Payload(), count);
    }

    private static void Flush(SafeFileHandle file)
    {
        if (FlushData(file) != 0)
            throw new IOException($"fdatasync failed: {Marshal.GetLastPInvokeErrorMessage()}.");
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FlushData(SafeFileHandle file);
}
