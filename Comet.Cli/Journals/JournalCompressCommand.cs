using System.CommandLine;
using System.Globalization;
using Comet.Cli.Output;
using Comet.Journals;

namespace Comet.Cli.Journals;

/// <summary>comet journal compress: packs the segments that nobody writes any more, while others write and read the journal.</summary>
internal static class JournalCompressCommand
{
    private const int MaxLevel = 12;

    private static readonly Option<string> s_codec = new("--codec")
    {
        Description = "How: lz4 (smaller) or snappy.",
        DefaultValueFactory = static _ => "lz4",
    };
    private static readonly Option<int> s_level = new("--level")
    {
        Description = "How hard lz4 tries, from 0 (fast) to 12 (small).",
        DefaultValueFactory = static _ => 0,
    };

    private static readonly Option<bool> s_encrypt = new("--encrypt")
    {
        Description = "Encrypt them, too, with the last --key; also those that are compressed already.",
    };

    public static Command Create()
    {
        s_codec.AcceptOnlyFromAmong("lz4", "snappy");
        var command = new Command("compress", "Compress the segments that nobody writes any more; readers and writers notice nothing.")
        {
            JournalArguments.Directory, s_codec, s_level, s_encrypt, JournalKeys.Option,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        if (arguments.GetValue(s_level) is < 0 or > MaxLevel)
            throw new UsageException($"--level is from 0 to {MaxLevel}.");
        var keys = JournalKeys.Parse(arguments);
        if (arguments.GetValue(s_encrypt) && keys is null)
            throw new UsageException("--encrypt needs a --key.");
        // Says so when there is none: opened to write it would be created.
        JournalArguments.OpenToRead(arguments).Dispose();
        using var journal = Journal.Open(
            arguments.GetRequiredValue(JournalArguments.Directory).FullName, new JournalOptions { Keys = keys });
        var reached = new Reached();
        JournalMaintenanceResult result;
        await using (new Progress(reached.ToText, arguments.GetValue(GlobalOptions.Json)))
        {
            result = journal.RunMaintenance(new JournalMaintenance
            {
                Compression = arguments.GetRequiredValue(s_codec) == "lz4" ? JournalCodec.Lz4 : JournalCodec.Snappy,
                CompressionLevel = arguments.GetValue(s_level),
                Encrypt = arguments.GetValue(s_encrypt),
            }, reached, cancellationToken);
        }
        Report(arguments, new(result.Packed, result.BytesBefore, result.BytesAfter, [.. result.Failures.Select(static f => f.Message)]));
        return result.Failures.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static void Report(ParseResult arguments, CompressReport report)
    {
        foreach (var failure in report.Failures)
            Console.Error.WriteLine($"comet: {failure}");
        if (arguments.GetValue(GlobalOptions.Json))
            Console.WriteLine(CliJson.Line(report, CliJson.Default.CompressReport));
        else if (report.Segments == 0 && report.Failures.Count == 0)
            Console.WriteLine("0 segments compressed: there is none to do. The newest one never is; it is written to.");
        else
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{report.Segments:N0} segments compressed, {report.BytesBefore:N0} bytes to {report.BytesAfter:N0}"));
        }
    }

    private sealed class Reached : IProgress<JournalMaintenanceProgress>
    {
        private readonly Lock _gate = new();
        private JournalMaintenanceProgress _last;

        public void Report(JournalMaintenanceProgress value)
        {
            lock (_gate)
                _last = value;
        }

        public string ToText()
        {
            lock (_gate)
            {
                return string.Create(CultureInfo.InvariantCulture,
                    $"segment {_last.SegmentsDone:N0} of {_last.Segments:N0}, {_last.BytesPacked:N0} bytes compressed");
            }
        }
    }
}

/// <summary>What was compressed. The failures are sentences.</summary>
internal sealed record CompressReport(int Segments, long BytesBefore, long BytesAfter, IReadOnlyList<string> Failures);
