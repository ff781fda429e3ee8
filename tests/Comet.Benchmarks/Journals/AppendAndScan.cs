namespace Comet.Benchmarks.Journals;

/// <summary>Throughput in one thread: append, scan from the page cache, and one record sent and received at a time.</summary>
internal static class AppendAndScan
{
    private const long BytesPerRun = 192L << 20;
    private const long MostRecords = 2_000_000;
    private const int WarmUpShare = 10;
    private const int Scans = 8;
    private const int RoundTrips = 200_000;
    private static readonly TimeSpan s_settle = TimeSpan.FromMilliseconds(100);

    public static void Append(int size, int rounds) => new Rounds($"append {size} B", "records/s")
        .Add("comet", () => MeasureAppend(static scratch => new CometLog(scratch.Path), size))
        .Add("fasterlog", () => MeasureAppend(static scratch => new FasterLogPeer(scratch.Path), size))
        .Add("fasterlog + checksums", () => MeasureAppend(static scratch => new FasterLogPeer(scratch.Path, withChecksums: true), size))
        .Add("raw copy", () => MeasureAppend(static scratch => new RawMap(scratch.File("raw"), BytesPerRun), size))
        .Run(rounds);

    public static void Scan(int size, int rounds) => new Rounds($"scan {size} B", "records/s")
        .Add("comet, not verified", () => MeasureScan(static scratch => new CometLog(scratch.Path, verifies: false), size))
        .Add("comet, verified", () => MeasureScan(static scratch => new CometLog(scratch.Path), size))
        .Add("fasterlog", () => MeasureScan(static scratch => new FasterLogPeer(scratch.Path), size))
        .Add("fasterlog + checksums", () => MeasureScan(static scratch => new FasterLogPeer(scratch.Path, withChecksums: true), size))
        .Add("raw copy", () => MeasureScan(static scratch => new RawMap(scratch.File("raw"), BytesPerRun), size))
        .Run(rounds);

    public static void SendThenReceive(int size, int rounds) => new Rounds($"send-then-receive {size} B", "µs p50")
        .Add("comet", () => MeasureRoundTrips(static scratch => new CometLog(scratch.Path), size))
        .Add("comet, not verified", () => MeasureRoundTrips(static scratch => new CometLog(scratch.Path, verifies: false), size))
        .Add("fasterlog", () => MeasureRoundTrips(static scratch => new FasterLogPeer(scratch.Path), size))
        .Add("fasterlog + checksums", () => MeasureRoundTrips(static scratch => new FasterLogPeer(scratch.Path, withChecksums: true), size))
        .Add("raw copy", () => MeasureRoundTrips(static scratch => new RawMap(scratch.File("raw"), BytesPerRun), size))
        .Run(rounds);

    private static long CountFor(int size) => Math.Min(MostRecords, BytesPerRun / (size + 32));

    private static double MeasureAppend(Func<Scratch, ILogUnderTest> open, int size)
    {
        using var scratch = new Scratch();
        using var log = open(scratch);
        var record = Record(size);
        Append(log, record, CountFor(size) / WarmUpShare);
        return Rounds.Rate(CountFor(size), () => Append(log, record, CountFor(size)));
    }

    // As much as fits the peer's memory: a scan of what it has to read from the disk again would measure the disk.
    private static double MeasureScan(Func<Scratch, ILogUnderTest> open, int size)
    {
        using var scratch = new Scratch();
        using var log = open(scratch);
        var count = Math.Min(MostRecords, (40L << 20) / (size + 32));
        Append(log, Record(size), count);
        // Neither the disk nor the log's own threads are to be busy with it meanwhile.
        log.Commit();
        log.ReadAll();
        Thread.Sleep(s_settle);
        var sum = 0L;
        var rate = Rounds.Rate(count * Scans, () =>
        {
            for (var i = 0; i < Scans; i++)
            {
                log.Rewind();
                sum += log.ReadAll();
            }
        });
        return sum == count * Scans * 2 ? rate : throw new InvalidOperationException($"{log.Name} read something else than was appended.");
    }

    private static double MeasureRoundTrips(Func<Scratch, ILogUnderTest> open, int size)
    {
        using var scratch = new Scratch();
        using var log = open(scratch);
        var record = Record(size);
        var times = new double[Math.Min(RoundTrips, CountFor(size) / 2)];
        for (var run = 0; run < 2; run++)
        {
            for (var i = 0; i < times.Length; i++)
            {
                var start = Rounds.Time.GetTimestamp();
                log.Append(record);
                while (log.ReadNext() < 0)
                    Thread.SpinWait(1);
                times[i] = Rounds.MicrosecondsSince(start);
            }
        }
        return Rounds.Median(times);
    }

    private static byte[] Record(int size)
    {
        var record = new byte[size];
        (record[0], record[^1]) = (ILogUnderTest.Mark, ILogUnderTest.Mark);
        return record;
    }

    private static void Append(ILogUnderTest log, byte[] record, long count)
    {
        for (var i = 0L; i < count; i++)
            log.Append(record);
    }
}
