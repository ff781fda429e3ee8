using Comet.Journals;

namespace Comet.Cli.Output;

/// <summary>Tells on standard error what went wrong; the exit code follows from it.</summary>
internal static class ErrorReport
{
    public static int Write(Exception exception, bool json)
    {
        var (code, exitCode) = exception switch
        {
            UsageException => ("WrongUsage", ExitCode.WrongUsage),
            CometException e => ($"{e.Code}", ExitCode.Failed),
            JournalException e => ($"{e.Code}", ExitCode.Failed),
            ArgumentException => ("InvalidArgument", ExitCode.WrongUsage),
            ListenException => ("ListenFailed", ExitCode.Failed),
            IOException or UnauthorizedAccessException => ("FileFailed", ExitCode.Failed),
            _ => ("InternalError", ExitCode.Failed),
        };
        var message = code == "InternalError" ? exception.ToString() : exception.Message;
        if (json)
            Console.Error.WriteLine(CliJson.Line(new ErrorLine(code, message), CliJson.Default.ErrorLine));
        else
            Console.Error.WriteLine($"comet: {code}: {message}");
        return exitCode;
    }
}

/// <summary>An error as JSON.</summary>
internal sealed record ErrorLine(string Error, string Message);
