using System.CommandLine;
using Comet.Journals;

namespace Comet.Cli.Journals;

/// <summary>The keys of encrypted segments on the command line: their ids and files that hold them, never the keys themselves.</summary>
internal static class JournalKeys
{
    public static Option<string[]> Option { get; } = new("--key")
    {
        Description = "A key of encrypted segments, as id=file; the file has 32 bytes or 64 hexadecimal digits. May be repeated; the "
            + "last is what more is encrypted with.",
        HelpName = "id=file",
    };

    /// <summary>The keys that were given, of which the last is the current one; null when there are none.</summary>
    public static IJournalKeyProvider? Parse(ParseResult arguments)
    {
        if (arguments.GetValue(Option) is not { Length: > 0 } given)
            return null;

        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        var current = "";
        foreach (var text in given)
        {
            var at = text.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0 || at == text.Length - 1)
                throw new UsageException($"'{text}' is no key: write its id, '=' and the file that holds it.");

            current = text[..at];
            if (!files.TryAdd(current, text[(at + 1)..]))
                throw new UsageException($"The key '{current}' is given more than once: give each id one file.");
        }
        try
        {
            return JournalKeyRing.FromFiles(current, files);
        }
        catch (ArgumentException e)
        {
            // Without the name of a parameter, which means nothing here.
            throw new UsageException(e.Message.Replace($" (Parameter '{e.ParamName}')", "", StringComparison.Ordinal));
        }
    }
}
