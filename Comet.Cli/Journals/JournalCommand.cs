using System.CommandLine;

namespace Comet.Cli.Journals;

/// <summary>comet journal: works on a journal's directory, also while other processes write and read it.</summary>
internal static class JournalCommand
{
    public static Command Create() => new Command("journal", "Append to, read, check and repair a journal in a directory. Needs no server.")
    {
        JournalAppendCommand.Create(),
        JournalTailCommand.Create(),
        JournalDumpCommand.Create(),
        JournalStatCommand.Create(),
        JournalVerifyCommand.Create(),
        JournalRepairCommand.Create(),
        JournalCompressCommand.Create(),
        JournalBenchCommand.Create(),
    }.WithoutConnection();
}
