using System.CommandLine;
using System.CommandLine.Parsing;

namespace Comet.Cli.Output;

/// <summary>Tells on standard error what is wrong with a command line: one error, and where to read more.</summary>
internal static class UsageReport
{
    // Of what is missing there may be a list; a word that is wrong is what the user wants to hear of.
    private const string Missing = "Required";
    private const string MissingCommand = "Required command";

    public static int Write(ParseResult arguments, bool json)
    {
        var error = arguments.Errors.FirstOrDefault(static e => !e.Message.StartsWith(Missing, StringComparison.Ordinal))
            ?? arguments.Errors[0];
        return Write(arguments, FlagNames.Explain(error) + Suggest(arguments) + NameCommands(arguments, error), json);
    }

    public static int Write(ParseResult arguments, string message, bool json)
    {
        ErrorReport.Write(new UsageException(message), json);
        if (!json)
            Console.Error.WriteLine($"See '{NameOf(arguments.CommandResult)} --help'.");
        return ExitCode.WrongUsage;
    }

    private static string NameOf(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{NameOf(parent)} {result.Command.Name}" : result.Command.Name;

    /// <summary>The commands that there are, where one is missing.</summary>
    private static string NameCommands(ParseResult arguments, ParseError error) =>
        error.Message.StartsWith(MissingCommand, StringComparison.Ordinal)
            ? $" It is one of {string.Join(", ", arguments.CommandResult.Command.Subcommands.Select(static c => c.Name))}."
            : "";

    /// <summary>The commands that begin like the word which is none.</summary>
    private static string Suggest(ParseResult arguments)
    {
        if (arguments.UnmatchedTokens is not [{ Length: > 0 } word, ..])
            return "";
        var alike = arguments.CommandResult.Command.Subcommands.Select(static c => c.Name)
            .Where(name => name[0] == word[0]).ToList();
        return alike.Count == 0 ? "" : $" Did you mean {string.Join(" or ", alike)}?";
    }
}
