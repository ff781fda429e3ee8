using System.CommandLine;
using Comet.Cli.Output;
using Comet.Journals;

namespace Comet.Cli.Journals;

/// <summary>comet journal tail: the last records, and those that come.</summary>
internal static class JournalTailCommand
{
    private static readonly Option<long> s_lines = new("--lines", "-n")
    {
        Description = "Begin with so many of the last records.",
        DefaultValueFactory = static _ => 10,
    };
    private static readonly Option<TimeSpan?> s_timeout = ValueParsers.Duration(
        "--timeout", "End when no record came for so long, for example 10s. Default: never.");

    public static Command Create()
    {
        var command = new Command("tail", "Write the last records and then each new one, a payload per line, until stopped.")
        {
            JournalArguments.Directory, s_lines, s_timeout, JournalArguments.Raw, JournalKeys.Option,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        if (arguments.GetValue(s_lines) < 0)
            throw new UsageException("--lines must not be negative.");
        using var journal = JournalArguments.OpenToRead(arguments);
        using var reader = journal.CreateReader(JournalStart.End);
        for (var back = arguments.GetValue(s_lines); back > 0 && reader.TryReadBackward(out _); back--)
        {
            // Each step goes back by one record.
        }
        var isJson = arguments.GetValue(GlobalOptions.Json);
        await using var output = new LineOutput();
        var writer = new RecordWriter(output, journal.DirectoryPath, isJson, arguments.GetValue(JournalArguments.Raw));
        do
        {
            while (WriteSome(reader, output, writer))
                await output.FlushAsync();
            await output.FlushAsync();
        }
        while (await WaitAsync(reader, arguments.GetValue(s_timeout), cancellationToken));
        return ExitCode.Done;
    }

    private static bool WriteSome(JournalReader reader, LineOutput output, RecordWriter writer)
    {
        while (!output.IsFull)
        {
            if (!reader.TryRead(out var record))
                return false;
            writer.Write(record);
        }
        return true;
    }

    /// <summary>False when it is time to end.</summary>
    private static async Task<bool> WaitAsync(JournalReader reader, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        using var quiet = new CancellationTokenSource(timeout ?? Timeout.InfiniteTimeSpan, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(quiet.Token, cancellationToken);
        try
        {
            await reader.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
