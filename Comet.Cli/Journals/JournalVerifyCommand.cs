using System.CommandLine;
using System.Globalization;
using Comet.Cli.Output;
using Comet.Journals;

namespace Comet.Cli.Journals;

/// <summary>comet journal verify: reads everything and names all damage.</summary>
internal static class JournalVerifyCommand
{
    public static Command Create()
    {
        var command = new Command(
            "verify", "Read everything, also while other processes write, and name the file and byte of each damage. Exits 0 only when "
                + "there is none.")
        {
            JournalArguments.Directory, JournalKeys.Option,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var directory = JournalArguments.ExistingDirectory(arguments);
        var isJson = arguments.GetValue(GlobalOptions.Json);
        var keys = JournalKeys.Parse(arguments);
        JournalVerification found;
        await using (var progress = new ReadProgress(isJson))
            found = await Task.Run(() => Journal.Verify(directory, keys, progress, cancellationToken), cancellationToken);
        foreach (var damage in found.Damages)
            Console.WriteLine(isJson ? CliJson.Line(damage, CliJson.Default.JournalDamage) : DamageText.Of(damage));
        var report = new VerifyReport(found.Damages.Count, found.Segments, found.Bytes, found.Records, found.TornBytes);
        Console.WriteLine(isJson ? CliJson.Line(report, CliJson.Default.VerifyReport) : report.ToText());
        return found.IsWhole ? ExitCode.Done : ExitCode.Failed;
    }
}

/// <summary>What verify has looked at.</summary>
internal sealed record VerifyReport(int Damages, int Segments, long Bytes, long Records, long TornBytes)
{
    public string ToText() => string.Create(CultureInfo.InvariantCulture,
        $"{(Damages == 0 ? "No damage" : $"{Damages} damaged places")} in {Records:N0} records of {Segments:N0} segments, {Bytes:N0} bytes")
        + (TornBytes > 0 ? string.Create(CultureInfo.InvariantCulture,
            $"; {TornBytes:N0} bytes at the end were never confirmed and are cut when it is opened") : "");
}
