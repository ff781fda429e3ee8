namespace Comet;

/// <summary>The rules for the names of topics, subscriptions, producers and consumers; checked by client and broker alike.</summary>
/// <remarks>Segments of <c>A-Z a-z 0-9 . _ -</c> joined by <c>/</c>, 1 to 200 characters; no segment is empty, <c>.</c> or
/// <c>..</c>.</remarks>
public static class Names
{
    /// <summary>The longest name, in characters.</summary>
    public const int MaxLength = 200;

    /// <summary>Whether <paramref name="name"/> follows the rules.</summary>
    public static bool IsValid(string? name)
    {
        if (string.IsNullOrEmpty(name) || name.Length > MaxLength)
            return false;
        var segmentStart = 0;
        for (var i = 0; i <= name.Length; i++)
        {
            if (i < name.Length && name[i] != '/')
            {
                if (!char.IsAsciiLetterOrDigit(name[i]) && name[i] is not ('.' or '_' or '-'))
                    return false;
                continue;
            }
            if (name.AsSpan(segmentStart, i - segmentStart) is "" or "." or "..")
                return false;
            segmentStart = i + 1;
        }
        return true;
    }

    /// <summary>Returns <paramref name="name"/> when it follows the rules.</summary>
    /// <param name="name">The name to check.</param>
    /// <param name="what">What it names, for the error: "topic", "subscription", …</param>
    /// <exception cref="CometException"><see cref="ErrorCode.InvalidName"/>.</exception>
    public static string Require(string? name, string what) => IsValid(name)
        ? name!
        : throw new CometException(
            ErrorCode.InvalidName,
            $"The {what} name {Quote(name)} is not valid: use 1 to {MaxLength} characters of A-Z a-z 0-9 . _ - in segments joined by "
                + "'/', none of them empty, '.' or '..'.");

    // A hostile name may hold control characters and be long: neither belongs in an error or a log.
    private static string Quote(string? name)
    {
        if (name is null)
            return "(null)";
        var shown = name.Length > 60 ? string.Concat(name.AsSpan(0, 60), "…") : name;
        return string.Concat("'", string.Concat(shown.Select(c => char.IsControl(c) ? '?' : c)), "'");
    }
}
