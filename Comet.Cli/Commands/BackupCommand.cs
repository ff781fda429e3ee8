using System.CommandLine;
using System.Globalization;
using Comet.Cli.Output;
using Comet.Server;

namespace Comet.Cli.Commands;

/// <summary>comet backup and comet restore: a data directory is copied, also while a server uses it, and made again from it.</summary>
internal static class BackupCommand
{
    private static readonly Argument<DirectoryInfo> s_target = new("target")
    {
        Description = "The directory of the backup: an empty one, or one that does not exist.",
    };
    private static readonly Argument<DirectoryInfo> s_backup = new("backup") { Description = "The directory of the backup." };
    private static readonly Option<DirectoryInfo> s_data = new("--data")
    {
        Description = "The data directory of a server that runs or is stopped, on this machine.",
        HelpName = "directory",
        Required = true,
    };
    private static readonly Option<DirectoryInfo> s_newData = new("--data")
    {
        Description = "The data directory that is to be: an empty one, or one that does not exist.",
        HelpName = "directory",
        Required = true,
    };
    private static readonly Option<bool> s_copy = new("--copy")
    {
        Description = "Copy every file. Without it, files that nobody writes any more become hard links where the backup is on the same "
            + "file system.",
    };

    public static Command Create()
    {
        var command = new Command("backup",
            "Back up a server's data directory, also while it runs. All that was confirmed before is in it. Exits 0 when it is complete "
                + "and durable; what was interrupted is no backup and says so.")
        {
            s_target, s_data, s_copy,
        };
        command.SetAction((arguments, cancellationToken) => RunAsync(arguments, "partitions", progress => LocalBackup.CreateAsync(
            arguments.GetRequiredValue(s_data).FullName, arguments.GetRequiredValue(s_target).FullName, !arguments.GetValue(s_copy),
            progress, cancellationToken), arguments.GetRequiredValue(s_target)));
        return command.WithoutConnection();
    }

    public static Command CreateRestore()
    {
        var command = new Command("restore",
            "Make a data directory for 'comet serve --data' from a backup, and check every byte of it. Exits 0 when it is complete and "
                + "durable; otherwise nothing is left.")
        {
            s_backup, s_newData,
        };
        command.SetAction((arguments, cancellationToken) => RunAsync(arguments, "files", progress => LocalBackup.RestoreAsync(
            arguments.GetRequiredValue(s_backup).FullName, arguments.GetRequiredValue(s_newData).FullName, progress, cancellationToken),
            arguments.GetRequiredValue(s_newData)));
        return command.WithoutConnection();
    }

    private static async Task<int> RunAsync(
        ParseResult arguments, string unit, Func<IProgress<BackupProgress>, Task<BackupSummary>> run, DirectoryInfo made)
    {
        var isJson = arguments.GetValue(GlobalOptions.Json);
        var start = TimeProvider.System.GetTimestamp();
        var latest = new Latest(unit);
        BackupSummary summary;
        await using (new Progress(latest.Describe, isJson))
            summary = await run(latest);
        var seconds = Math.Round(TimeProvider.System.GetElapsedTime(start).TotalSeconds, 3);
        var done = BackupReport.From(made.FullName, summary, seconds);
        Console.WriteLine(isJson ? CliJson.Line(done, CliJson.Default.BackupReport) : done.ToText());
        return ExitCode.Done;
    }

    /// <summary>How far it is now.</summary>
    private sealed class Latest(string unit) : IProgress<BackupProgress>
    {
        private readonly Lock _gate = new();
        private BackupProgress _value;

        public void Report(BackupProgress value)
        {
            lock (_gate)
                _value = value;
        }

        public string Describe()
        {
            lock (_gate)
                return $"{Progress.Count(_value.Done)} of {Progress.Count(_value.Total)} {unit}, {Progress.Count(_value.Bytes)} bytes";
        }
    }
}

/// <summary>What is in a backup, or was restored from it.</summary>
internal sealed record BackupReport(
    string Directory, DateTimeOffset Created, int Topics, int Partitions, int Files, long Bytes, long LinkedBytes, double Seconds)
{
    public static BackupReport From(string directory, BackupSummary summary, double seconds) => new(
        directory, summary.Created, summary.Topics, summary.Partitions, summary.Files, summary.Bytes, summary.LinkedBytes, seconds);

    public string ToText() => string.Create(CultureInfo.InvariantCulture,
        $"{Directory}: {Topics:N0} topic(s) and {Partitions:N0} partition(s) as of {Created:u}, {Files:N0} files of {Bytes:N0} bytes"
            + $"{(LinkedBytes > 0 ? $" ({Progress.Count(LinkedBytes)} as hard links)" : "")}, in {Seconds:N1} s");
}
