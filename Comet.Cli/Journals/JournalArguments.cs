using System.CommandLine;
using System.Globalization;
using Comet.Journals;

namespace Comet.Cli.Journals;

/// <summary>What several journal commands ask for.</summary>
internal static class JournalArguments
{
    public static Argument<DirectoryInfo> Directory { get; } = new("directory")
    {
        Description = "The directory of the journal.",
    };

    public static Option<bool> Raw { get; } = new("--raw")
    {
        Description = "Of a partition of a broker, write the records as they are and not the messages in them.",
    };

    public static Option<string> From(string description) => new("--from")
    {
        Description = description + " first, end, a sequence number, a time such as 2026-08-02T15:30:00Z, or how long ago, such as "
            + "2h.",
        HelpName = "place",
        DefaultValueFactory = static _ => "first",
    };

    /// <summary>Opens a journal that is there to read it, with nothing of it changed.</summary>
    public static Journal OpenToRead(ParseResult arguments)
    {
        var directory = ExistingDirectory(arguments);
        return Journal.Open(directory, new JournalOptions { Access = JournalAccess.ReadOnly, Keys = JournalKeys.Parse(arguments) });
    }

    /// <summary>The directory, which has to be there.</summary>
    public static string ExistingDirectory(ParseResult arguments)
    {
        var directory = arguments.GetRequiredValue(Directory);
        return directory.Exists ? directory.FullName : throw new UsageException($"There is no directory '{directory.FullName}'.");
    }

    public static JournalStart ParseStart(string text)
    {
        if (string.Equals(text, "first", StringComparison.OrdinalIgnoreCase))
            return JournalStart.First;
        if (string.Equals(text, "end", StringComparison.OrdinalIgnoreCase))
            return JournalStart.End;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
            return JournalStart.AtSequence(sequence);
        if (ValueParsers.TryParseDuration(text, out var ago))
            return JournalStart.AtTime(TimeProvider.System.GetUtcNow() - ago);
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            return JournalStart.AtTime(time);
        throw new UsageException($"'{text}' is no place: write first, end, a sequence number, a time such as 2026-08-02T15:30:00Z, or how "
            + "long ago, such as 2h.");
    }
}
