using System.CommandLine;
using System.Globalization;
using Comet.Cli.Output;
using Comet.Journals;

namespace Comet.Cli.Journals;

/// <summary>comet journal stat: how much there is, and who has read how far.</summary>
internal static class JournalStatCommand
{
    public static Command Create()
    {
        var command = new Command("stat", "Tell how much is in a journal, and how far its named readers are.")
        {
            JournalArguments.Directory, JournalKeys.Option,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult arguments)
    {
        using var journal = JournalArguments.OpenToRead(arguments);
        var segments = journal.GetSegments();
        var stat = new JournalStatLine(
            journal.DirectoryPath, journal.FirstSequence, journal.LastSequence, journal.Count(), segments.Count,
            segments.Sum(static s => s.Bytes), journal.Options.RollCycle.ToString(), [.. journal.GetReaders()]);
        if (arguments.GetValue(GlobalOptions.Json))
            Console.WriteLine(CliJson.Line(stat, CliJson.Default.JournalStatLine));
        else
            Write(stat);
        return ExitCode.Done;
    }

    private static void Write(JournalStatLine stat)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{stat.Records:N0} records, sequences {stat.FirstSequence} to {stat.LastSequence}, in {stat.Segments} segment files of "
                + $"{stat.FileBytes:N0} bytes; a new segment begins {stat.RollCycle}"));
        foreach (var reader in stat.Readers)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"reader {reader.Name}: next {reader.NextSequence}, {Math.Max(0, stat.LastSequence + 1 - reader.NextSequence):N0} behind, "
                    + $"moved {reader.Committed:u}{(reader.IsOpen ? ", open" : "")}"));
        }
    }
}

/// <summary>A journal in figures.</summary>
internal sealed record JournalStatLine(
    string Directory, long FirstSequence, long LastSequence, long Records, int Segments, long FileBytes, string RollCycle,
    IReadOnlyList<NamedReaderInfo> Readers);
