using System.CommandLine;
using System.CommandLine.Invocation;
using Comet.Cli.Commands;
using Comet.Cli.Journals;
using Comet.Cli.Output;

namespace Comet.Cli;

/// <summary>The commands, and how each of them is run: signals stop it, and what it throws becomes a message and an exit code.</summary>
internal static class CometCommandLine
{
    public static async Task<int> RunAsync(string[] arguments)
    {
        // Before anything else: a signal that comes earlier ends the process as it ends any.
        using var stop = new StopSignal();
        var parsed = CreateRoot().Parse(arguments);
        var isJson = parsed.GetValue(GlobalOptions.Json);
        GlobalOptions.HideWhatMeansNothing(parsed);
        if (parsed.Action is ParseErrorAction)
            return UsageReport.Write(parsed, isJson);
        try
        {
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(configuration, stop.Token);
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("comet: stopped before it was done");
            return ExitCode.Failed;
        }
        catch (UsageException e)
        {
            return UsageReport.Write(parsed, e.Message, isJson);
        }
        catch (ArgumentException e)
        {
            return UsageReport.Write(parsed, FlagNames.Explain(parsed, e), isJson);
        }
        // The end of the program: whatever it is, it is told and not thrown at the terminal.
        catch (Exception e)
        {
            return ErrorReport.Write(e, isJson);
        }
    }

    private static RootCommand CreateRoot()
    {
        var root = new RootCommand("Comet: messaging for .NET as streams. Serves, sends, receives, inspects and measures.")
        {
            ServeCommand.Create(),
            TopicCommand.Create(),
            ProduceCommand.Create(),
            ConsumeCommand.Create(),
            SubscriptionCommand.Create(),
            SubscriptionCommand.CreateSeek(),
            ReplayCommand.Create(),
            ScheduleCommand.Create(),
            DeadLetterCommand.Create(),
            ExplainCommand.Create(),
            JournalCommand.Create(),
            BackupCommand.Create(),
            BackupCommand.CreateRestore(),
            BenchCommand.Create(),
            DoctorCommand.Create(),
        };
        root.Options.Add(GlobalOptions.Server);
        root.Options.Add(GlobalOptions.Json);
        root.Options.Add(GlobalOptions.TrustedCertificates);
        return root;
    }
}
