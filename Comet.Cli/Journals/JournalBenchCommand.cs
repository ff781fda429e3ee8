using System.CommandLine;
using System.Globalization;
using Comet.Cli.Bench;
using Comet.Cli.Output;
using Comet.Journals;

namespace Comet.Cli.Journals;

/// <summary>comet journal bench: appends, reads and durable appends in a directory of its own, beside a plain copy of the same
/// bytes.</summary>
internal static class JournalBenchCommand
{
    private const long BytesPerRun = 256L << 20;
    private const long MostRecords = 2_000_000;
    private const int DurableAppends = 2_000;

    private static readonly Option<int[]> s_size = new("--size")
    {
        Description = "Bytes of a record; may be repeated. Default: 40, 160, 1024 and 16384.",
        DefaultValueFactory = static _ => [40, 160, 1024, 16_384],
    };

    public static Command Create()
    {
        var command = new Command(
            "bench", "Measure appending, reading and durable appending in a new journal inside a directory; it is deleted behind it.")
        {
            JournalArguments.Directory, s_size,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        if (arguments.GetRequiredValue(s_size).Any(static size => size is < 1 or > (1 << 20)))
            throw new UsageException("--size is from 1 to 1048576 bytes.");
        using var folder = new BenchFolder(arguments.GetRequiredValue(JournalArguments.Directory));
        foreach (var size in arguments.GetRequiredValue(s_size))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var path = folder.NewPath();
            var result = await MeasureAsync(path, size);
            Directory.Delete(path, recursive: true);
            Console.WriteLine(arguments.GetValue(GlobalOptions.Json)
                ? CliJson.Line(result, CliJson.Default.JournalBenchResult)
                : result.ToText());
        }
        return ExitCode.Done;
    }

    private static async Task<JournalBenchResult> MeasureAsync(string folder, int size)
    {
        var count = Math.Min(MostRecords, BytesPerRun / size);
        var payload = new byte[size];
        using var journal = Journal.Open(folder);
        using var writer = journal.CreateWriter();
        Append(writer, payload, count / 10);
        var append = Rate(count, () => Append(writer, payload, count));
        using var reader = journal.CreateReader();
        var read = Rate(journal.Count(), () => ReadAll(reader));
        var target = new byte[size];
        var copy = Rate(count, () => Copy(payload, target, count));
        var durable = await MeasureDurableAsync(writer, payload);
        return new(size, count, Math.Round(append), Math.Round(read), Math.Round(copy), Math.Round(durable));
    }

    private static async Task<double> MeasureDurableAsync(JournalWriter writer, byte[] payload)
    {
        var start = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < DurableAppends; i++)
            await writer.AppendAsync(payload);
        return DurableAppends / TimeProvider.System.GetElapsedTime(start).TotalSeconds;
    }

    private static double Rate(long count, Action run)
    {
        var start = TimeProvider.System.GetTimestamp();
        run();
        return count / TimeProvider.System.GetElapsedTime(start).TotalSeconds;
    }

    private static void Append(JournalWriter writer, byte[] payload, long count)
    {
        for (var i = 0L; i < count; i++)
            writer.Append(payload);
    }

    private static void ReadAll(JournalReader reader)
    {
        while (reader.TryRead(out _))
        {
            // Reading checks each record's checksum, and so touches every byte.
        }
    }

    private static void Copy(byte[] source, byte[] target, long count)
    {
        for (var i = 0L; i < count; i++)
            source.CopyTo(target, 0);
    }
}

/// <summary>Records a second. Copy is the yardstick: the same bytes from one warm buffer to another.</summary>
internal sealed record JournalBenchResult(
    int Size, long Records, double AppendsPerSecond, double ReadsPerSecond, double CopiesPerSecond, double DurableAppendsPerSecond)
{
    public string ToText() => string.Create(CultureInfo.InvariantCulture,
        $"{Size,6} B  append {AppendsPerSecond,12:N0}/s {AppendsPerSecond * Size / 1e6,7:N0} MB/s  read {ReadsPerSecond,12:N0}/s "
            + $"{ReadsPerSecond * Size / 1e6,7:N0} MB/s  copy {CopiesPerSecond,13:N0}/s  append + Disk {DurableAppendsPerSecond,8:N0}/s");
}
