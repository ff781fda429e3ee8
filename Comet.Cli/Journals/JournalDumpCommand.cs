using System.CommandLine;
using Comet.Cli.Output;
using Comet.Journals;

namespace Comet.Cli.Journals;

/// <summary>comet journal dump: what is in a journal now.</summary>
internal static class JournalDumpCommand
{
    private static readonly Option<string> s_from = JournalArguments.From("Where to begin:");
    private static readonly Option<long?> s_count = new("--count", "-n") { Description = "At most so many lines." };

    public static Command Create()
    {
        var command = new Command(
            "dump", "Write one payload per line, and nothing else, on standard output; ends with the last record. Of a broker's partition, "
                + "those of its messages, also of acked ones that are still there.")
        {
            JournalArguments.Directory, s_from, s_count, JournalArguments.Raw, JournalKeys.Option,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var count = arguments.GetValue(s_count) ?? long.MaxValue;
        if (count < 0)
            throw new UsageException("--count must not be negative.");
        using var journal = JournalArguments.OpenToRead(arguments);
        var end = LastSequence(journal);
        using var reader = journal.CreateReader(JournalArguments.ParseStart(arguments.GetRequiredValue(s_from)));
        var isJson = arguments.GetValue(GlobalOptions.Json);
        await using var output = new LineOutput();
        var writer = new RecordWriter(output, journal.DirectoryPath, isJson, arguments.GetValue(JournalArguments.Raw), count);
        while (WriteSome(reader, output, writer, end))
        {
            await output.FlushAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
        return ExitCode.Done;
    }

    // What others append meanwhile is not waited for: a dump of a journal in use has an end. Where damage is in the way to the last record,
    // reading ends there, with an error, and what is before it is written.
    private static long LastSequence(Journal journal)
    {
        try
        {
            return journal.LastSequence;
        }
        catch (JournalException damaged) when (damaged.Code == JournalErrorCode.Corrupt)
        {
            return long.MaxValue;
        }
    }

    private static bool WriteSome(JournalReader reader, LineOutput output, RecordWriter writer, long end)
    {
        while (!output.IsFull)
        {
            if (writer.IsDone || !reader.TryRead(out var record) || record.Sequence > end)
                return false;
            writer.Write(record);
        }
        return true;
    }
}
