using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Comet.Journals;

namespace Comet.Benchmarks.Journals;

/// <summary>What needs another process: two writers at once, and how soon a reader sees what another process appends.</summary>
internal static class TwoProcesses
{
    public const string WriterVerb = "journal-writer";
    public const string PacedWriterVerb = "journal-paced-writer";

    private const int Size = 160;
    private const int RecordsPerWriter = 4_000_000;
    private const int Wakes = 4_000;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_spin = TimeSpan.FromSeconds(10);

    private delegate bool Receive(JournalReader reader, out JournalRecord record);

    public static void Writers(int rounds)
    {
        new Rounds($"append {Size} B, processes", "records/s")
            .Add("two", static () => 2 * RecordsPerWriter / MeasureWriters(2).Max(static writer => writer.Seconds))
            .Add("one", static () => RecordsPerWriter / MeasureWriters(1)[0].Seconds)
            .Run(rounds);
        // With all threads of the process: by this two cores cannot do more.
        new Rounds($"append {Size} B, processes", "ns of processor time a record")
            .Add("two", static () => MeasureWriters(2).Average(static writer => writer.ProcessorSeconds) * 1e9 / RecordsPerWriter)
            .Add("one", static () => MeasureWriters(1)[0].ProcessorSeconds * 1e9 / RecordsPerWriter)
            .Run(rounds);
    }

    public static void Wake(int rounds) => new Rounds("seen in another process", "µs p50")
        .Add("waiting actively", static () => MeasureWake(static (reader, out record) => reader.TryRead(s_spin, out record)))
        .Add("asleep", static () => MeasureWake(Asleep))
        .Add("asleep, asynchronously", static () => MeasureWake(AsleepAsynchronously))
        .Run(rounds);

    /// <summary>A writer process: says that it is ready, begins at a line of input, and tells how long it took by the clock and on the
    /// processors.</summary>
    public static int RunWriter(string directory)
    {
        using var journal = Journal.Open(directory);
        using var writer = journal.CreateWriter();
        var record = new byte[Size];
        for (var i = 0; i < RecordsPerWriter / 10; i++)
            writer.Append(record);
        Console.WriteLine("ready");
        Console.ReadLine();
        var used = Environment.CpuUsage.TotalTime;
        var start = Rounds.Time.GetTimestamp();
        for (var i = 0; i < RecordsPerWriter; i++)
            writer.Append(record);
        var seconds = Rounds.Time.GetElapsedTime(start).TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{seconds} {(Environment.CpuUsage.TotalTime - used).TotalSeconds}"));
        return 0;
    }

    /// <summary>A writer process that appends the time, a millisecond apart.</summary>
    public static int RunPacedWriter(string directory)
    {
        using var journal = Journal.Open(directory);
        using var writer = journal.CreateWriter();
        var record = new byte[Size];
        for (var i = 0; i < Wakes; i++)
        {
            Thread.Sleep(s_pause);
            BinaryPrimitives.WriteInt64LittleEndian(record, Rounds.Time.GetTimestamp());
            writer.Append(record);
        }
        return 0;
    }

    private static Result[] MeasureWriters(int count)
    {
        using var scratch = new Scratch();
        using var journal = Journal.Open(scratch.Path);
        var writers = Enumerable.Range(0, count).Select(_ => Start(WriterVerb, scratch.Path)).ToArray();
        foreach (var writer in writers)
            writer.StandardOutput.ReadLine();
        foreach (var writer in writers)
            writer.StandardInput.WriteLine();
        var results = writers.Select(static writer => Result.Parse(writer.StandardOutput.ReadLine()!)).ToArray();
        foreach (var writer in writers)
            End(writer);
        return results;
    }

    private static double MeasureWake(Receive receive)
    {
        using var scratch = new Scratch();
        using var journal = Journal.Open(scratch.Path);
        using var reader = journal.CreateReader();
        using var writer = Start(PacedWriterVerb, scratch.Path);
        var times = new List<double>(Wakes);
        while (times.Count < Wakes)
        {
            if (receive(reader, out var record))
                times.Add(Rounds.MicrosecondsSince(BinaryPrimitives.ReadInt64LittleEndian(record.Payload)));
        }
        End(writer);
        return Rounds.Median([.. times.Skip(Wakes / 4)]);
    }

    private static bool Asleep(JournalReader reader, out JournalRecord record)
    {
        reader.Wait();
        return reader.TryRead(out record);
    }

    private static bool AsleepAsynchronously(JournalReader reader, out JournalRecord record)
    {
        reader.WaitAsync().AsTask().GetAwaiter().GetResult();
        return reader.TryRead(out record);
    }

    private static Process Start(string verb, string directory) => Process.Start(new ProcessStartInfo(Environment.ProcessPath!)
    {
        ArgumentList = { verb, directory }, RedirectStandardInput = true, RedirectStandardOutput = true,
    })!;

    private static void End(Process process)
    {
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"The other process ended with code {process.ExitCode}.");
        process.Dispose();
    }

    private readonly record struct Result(double Seconds, double ProcessorSeconds)
    {
        public static Result Parse(string line)
        {
            var parts = line.Split(' ').Select(static part => double.Parse(part, CultureInfo.InvariantCulture)).ToArray();
            return new Result(parts[0], parts[1]);
        }
    }
}
