using Comet.Journals;

namespace Comet.Benchmarks.Journals;

/// <summary>What a writer that appends at a steady rate notices of segments that are compressed in the background: its 99th
/// percentile.</summary>
internal static class PackingBeside
{
    private const int Size = 160;
    private const int RecordsPerTurn = 50;
    private const int Turns = 2_000;
    private const long SealedBytes = 96L << 20;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(1);

    public static void Run(int rounds) => new Rounds($"append {Size} B, steady", "µs p99")
        .Add("while compressing", static () => Measure(isPacking: true))
        .Add("alone", static () => Measure(isPacking: false))
        .Run(rounds);

    private static double Measure(bool isPacking)
    {
        using var scratch = new Scratch();
        using var journal = Journal.Open(scratch.Path, new JournalOptions { MaxSegmentLength = 16L << 20 });
        using var writer = journal.CreateWriter();
        var record = new byte[Size];
        for (var i = 0L; i < SealedBytes / Size; i++)
        {
            new Random((int)i).NextBytes(record.AsSpan(0, Size / 2));
            writer.Append(record);
        }
        journal.FlushAsync().AsTask().GetAwaiter().GetResult();
        using var stop = new CancellationTokenSource();
        var packing = isPacking
            ? Task.Factory.StartNew(() => journal.RunMaintenance(new() { Compression = JournalCodec.Lz4 }, null, stop.Token),
                stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            : null;
        var times = AppendSteadily(writer, record);
        stop.Cancel();
        try
        {
            _ = packing?.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            // It had not done all.
        }
        return times[(int)(times.Length * 0.99)];
    }

    private static double[] AppendSteadily(JournalWriter writer, byte[] record)
    {
        var times = new double[RecordsPerTurn * Turns];
        for (var i = 0; i < times.Length; i++)
        {
            if (i % RecordsPerTurn == 0)
                Thread.Sleep(s_pause);
            var start = Rounds.Time.GetTimestamp();
            writer.Append(record);
            times[i] = Rounds.MicrosecondsSince(start);
        }
        Array.Sort(times);
        return times;
    }
}
