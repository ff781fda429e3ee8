using Comet.Client;

namespace Comet.Cli.Bench;

/// <summary>What a scenario works with: a client, the broker's process where it is ours, and how much to do.</summary>
internal sealed class BenchContext(CometClient client, BrokerProcess? broker, int size, double scale, int repetitions)
{
    /// <summary>10 GB.</summary>
    public const long DefaultDrainBytes = 10_000_000_000;

    // Until the compiler has seen what is hot and has compiled it again, in both processes.
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(2.5);

    private int _topics;

    public CometClient Client { get; } = client;

    public int Size { get; } = size;

    public int Repetitions { get; } = repetitions;

    /// <summary>A folder in the directory that --data names.</summary>
    public BenchFolder? Data { get; init; }

    /// <summary>Cancelled when the command was told to stop; the result is not waited for then.</summary>
    public CancellationToken Stopped { get; init; }

    /// <summary>The payload bytes of a backlog on disk.</summary>
    public long DrainBytes { get; init; } = DefaultDrainBytes;

    /// <summary>Connects to a broker of a scenario's own.</summary>
    public required Func<CometEndpoint, Task<CometClient>> ConnectAsync { get; init; }

    public static TimeProvider Time => TimeProvider.System;

    /// <summary>The folder to measure in.</summary>
    public BenchFolder RequireData(string scenario) =>
        Data ?? throw new UsageException($"{scenario} measures a disk: say where with --data DIRECTORY.");

    /// <summary>So many messages, more or less of them as --scale says, and fewer when they are large.</summary>
    public long Count(long messages) => Math.Max(1000, (long)(messages * scale * (Size > 512 ? 0.25 : 1)));

    public byte[] Payload() => new byte[Size];

    /// <summary>Runs with a topic of its own, so that nothing of an earlier run is in the way.</summary>
    public async Task<T> WithTopicAsync<T>(Func<string, Task<T>> run)
    {
        var topic = $"comet-bench/{Environment.ProcessId}-{++_topics}";
        await Client.Topics.CreateAsync(topic, partitions: 1);
        try
        {
            return await run(topic);
        }
        finally
        {
            await Client.Topics.DeleteAsync(topic);
        }
    }

    /// <summary>Measures throughput: one run to warm up, then some that count.</summary>
    public async Task<BenchResult> MeasureRateAsync(string scenario, long count, Func<string, long, Task<TimeSpan>> run)
    {
        await WithTopicAsync(topic => run(topic, count));
        var rates = new List<double>();
        var usage = new CpuUsage(broker);
        for (var i = 0; i < Repetitions; i++)
            rates.Add(count / (await WithTopicAsync(topic => run(topic, count))).TotalSeconds);
        rates.Sort();
        var (clientCpu, brokerCpu) = usage.PerMillion(count * Repetitions);
        var median = rates[rates.Count / 2];
        return new BenchResult
        {
            Scenario = scenario,
            Size = Size,
            Messages = count,
            Repetitions = Repetitions,
            RateMedian = Math.Round(median),
            RateMin = Math.Round(rates[0]),
            RateMax = Math.Round(rates[^1]),
            MegabytesPerSecond = Math.Round(median * Size / 1e6, 1),
            ClientCpuSecondsPerMillion = clientCpu,
            BrokerCpuSecondsPerMillion = brokerCpu,
        };
    }

    /// <summary>Measures a distribution of microseconds: runs to warm up, then one that counts.</summary>
    public async Task<BenchResult> MeasureLatencyAsync(string scenario, Func<Task<double[]>> run, bool usesBroker = true)
    {
        var start = Time.GetTimestamp();
        do
            await run();
        while (Time.GetElapsedTime(start) < s_warmUp * Math.Min(1, scale));
        var usage = new CpuUsage(usesBroker ? broker : null);
        var times = await run();
        var (clientCpu, brokerCpu) = usage.PerMillion(times.Length);
        Array.Sort(times);
        return new BenchResult
        {
            Scenario = scenario,
            Size = Size,
            Messages = times.Length,
            P50Microseconds = Math.Round(times[times.Length / 2], 1),
            P99Microseconds = Math.Round(times[(int)(times.Length * 0.99)], 1),
            ClientCpuSecondsPerMillion = clientCpu,
            BrokerCpuSecondsPerMillion = brokerCpu,
        };
    }

}
