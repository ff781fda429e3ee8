using System.CommandLine;
using Comet.Cli.Output;
using Comet.Journals;

namespace Comet.Cli.Journals;

/// <summary>comet journal repair: makes a damaged journal one that can be opened again, and tells what was lost.</summary>
internal static class JournalRepairCommand
{
    private static readonly Option<bool> s_dryRun = new("--dry-run")
    {
        Description = "Only tell what would be lost and changed. Exits 0 when a repair would make the journal whole.",
    };

    public static Command Create()
    {
        var command = new Command(
            "repair", "Keep every whole record of a damaged journal that nobody has open. Nothing is deleted: the damaged files are kept "
                + "as damaged-N-NAME.kept. Exits 0 when the journal is whole now.")
        {
            JournalArguments.Directory, s_dryRun, JournalKeys.Option,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var directory = JournalArguments.ExistingDirectory(arguments);
        var isJson = arguments.GetValue(GlobalOptions.Json);
        var dryRun = arguments.GetValue(s_dryRun);
        var keys = JournalKeys.Parse(arguments);
        JournalRepair repair;
        await using (var progress = new ReadProgress(isJson))
            repair = await Task.Run(() => Journal.Repair(directory, dryRun, keys, progress, cancellationToken), cancellationToken);
        foreach (var damage in repair.Damages)
            Console.WriteLine(isJson ? CliJson.Line(damage, CliJson.Default.JournalDamage) : DamageText.Of(damage));
        if (isJson)
        {
            Console.WriteLine(CliJson.Line(
                new RepairReport(dryRun, repair.Damages.Count, repair.Changes, repair.KeptAside, repair.Remaining),
                CliJson.Default.RepairReport));
        }
        else
            Write(repair, dryRun);
        return repair.Remaining.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static void Write(JournalRepair repair, bool dryRun)
    {
        foreach (var change in repair.Changes)
            Console.WriteLine(dryRun ? $"would do: {change}" : change);
        foreach (var path in repair.KeptAside)
            Console.WriteLine($"the damaged file is kept as {path}");
        foreach (var damage in repair.Remaining)
            Console.WriteLine($"still damaged: {DamageText.Of(damage)}");
        if (repair.Damages.Count == 0)
            Console.WriteLine("No damage: nothing was changed.");
    }
}

/// <summary>What repair has done; the damage stands in lines of its own before.</summary>
internal sealed record RepairReport(
    bool DryRun, int Damages, IReadOnlyList<string> Changes, IReadOnlyList<string> KeptAside, IReadOnlyList<JournalDamage> Remaining);
