using System.CommandLine;
using System.Globalization;
using Comet.Cli.Output;
using Comet.Journals;
using Comet.Server;

namespace Comet.Cli.Journals;

/// <summary>comet journal append: each line of a file or of standard input becomes a record.</summary>
internal static class JournalAppendCommand
{
    private static readonly Option<FileInfo?> s_file = new("--file", "-f")
    {
        Description = "Append each line of this file. Default: of standard input.",
        HelpName = "file",
    };
    private static readonly Option<JournalDurability> s_durability = ValueParsers.Choice("--durability",
        "What exit code 0 promises, os (survives the end of every process) or disk (survives a power cut):", JournalDurability.Disk);
    private static readonly Option<string> s_roll = new("--roll")
    {
        Description = "For a new journal, when a new segment begins: size, second, minute, five-minutes, hour, day or month.",
        DefaultValueFactory = static _ => "size",
    };

    public static Command Create()
    {
        s_roll.AcceptOnlyFromAmong("size", "second", "minute", "five-minutes", "hour", "day", "month");
        var command = new Command("append", "Append one record per line; creates the journal. Exits 0 only when all are in. A broker's "
            + "partition is refused: 'comet produce' sends messages.")
        {
            JournalArguments.Directory, s_file, s_durability, s_roll,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        await using var input = OpenInput(arguments);
        using var journal = Journal.Open(JournalArguments.DirectoryToAppend(arguments), new JournalOptions
        {
            RollCycle = ParseRoll(arguments.GetRequiredValue(s_roll)),
            OptionsIgnored = static text => Console.Error.WriteLine($"comet: {text}"),
        });
        RefusePartition(journal);
        using var appender = new Appender(journal.CreateWriter());
        var start = TimeProvider.System.GetTimestamp();
        try
        {
            await using (new Progress(() => $"{Progress.Count(appender.Records)} appended", arguments.GetValue(GlobalOptions.Json)))
            {
                await LineReader.ReadAllAsync(input, journal.Options.MaxRecordLength, appender.TakeAsync, cancellationToken);
                if (arguments.GetValue(s_durability) == JournalDurability.Disk)
                    await journal.FlushAsync(cancellationToken);
            }
        }
        catch (JournalException e) when (!e.IsOutcomeUnknown)
        {
            await TellPartAsync(journal, appender, arguments, cancellationToken);
            throw;
        }
        Report(arguments, new(appender.Records, appender.Bytes, appender.LastSequence,
            Math.Round(TimeProvider.System.GetElapsedTime(start).TotalSeconds, 6)));
        return ExitCode.Done;
    }

    /// <summary>Says how many lines are in when not all are, so that the rest can be appended later.</summary>
    private static async Task TellPartAsync(
        Journal journal, Appender appender, ParseResult arguments, CancellationToken cancellationToken)
    {
        // What is in is to be as durable as it was to be.
        if (arguments.GetValue(s_durability) == JournalDurability.Disk)
            await journal.FlushAsync(cancellationToken);
        Note.Write(appender.Records == 0 ? "no line was appended"
            : $"the first {Progress.Count(appender.Records)} lines were appended, the last of them with sequence {appender.LastSequence}; "
                + "the others were not", arguments.GetValue(GlobalOptions.Json));
    }

    /// <summary>A line is no batch of messages: behind one, a broker can read nothing more of its partition, wherever that was copied
    /// to.</summary>
    private static void RefusePartition(Journal journal)
    {
        if (EndsWithMessages(journal))
        {
            throw new UsageException($"{journal.DirectoryPath} is a partition of a broker, which could not be read any more with a line in "
                + "it; nothing was appended. Start the broker, and use comet produce.");
        }
    }

    private static bool EndsWithMessages(Journal journal)
    {
        try
        {
            if (journal.LastSequence < 0)
                return false;
            using var reader = journal.CreateReader(JournalStart.AtSequence(journal.LastSequence));
            return reader.TryRead(out var record) && StoredMessage.TryRead(record.Payload, out _);
        }
        catch (JournalException e) when (e.Code == JournalErrorCode.WrongKey)
        {
            // Nothing is known of an encrypted one, and to append takes no key.
            return false;
        }
    }

    private static Stream OpenInput(ParseResult arguments)
    {
        if (arguments.GetValue(s_file) is not { } file)
            return Console.OpenStandardInput();
        return file.Exists ? file.OpenRead() : throw new UsageException($"There is no file '{file.FullName}'.");
    }

    private static RollCycle ParseRoll(string text) => text switch
    {
        "second" => RollCycle.Second,
        "minute" => RollCycle.Minute,
        "five-minutes" => RollCycle.FiveMinutes,
        "hour" => RollCycle.Hour,
        "day" => RollCycle.Day,
        "month" => RollCycle.Month,
        _ => RollCycle.BySize,
    };

    private static void Report(ParseResult arguments, AppendReport report) => Console.WriteLine(
        arguments.GetValue(GlobalOptions.Json)
            ? CliJson.Line(report, CliJson.Default.AppendReport)
            : string.Create(CultureInfo.InvariantCulture,
                $"{report.Records:N0} records appended in {report.Seconds:N3} s, {report.Bytes:N0} bytes; the last has sequence "
                    + $"{report.LastSequence}"));

    private sealed class Appender(JournalWriter writer) : IDisposable
    {
        public long Records { get; private set; }

        public long Bytes { get; private set; }

        public long LastSequence { get; private set; } = -1;

        public ValueTask TakeAsync(ReadOnlyMemory<byte> line)
        {
            Take(line.Span);
            return ValueTask.CompletedTask;
        }

        public void Dispose() => writer.Dispose();

        private void Take(ReadOnlySpan<byte> line)
        {
            LastSequence = writer.Append(line).Sequence;
            Records++;
            Bytes += line.Length;
        }
    }
}

/// <summary>What was appended.</summary>
internal sealed record AppendReport(long Records, long Bytes, long LastSequence, double Seconds);
