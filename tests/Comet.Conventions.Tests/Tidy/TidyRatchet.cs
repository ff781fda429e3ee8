namespace Comet.Conventions.Tests.Tidy;

/// <summary>
/// What was untidy before the rule came, counted per file and rule in ratchet.txt. A count can only fall: one more finding fails, and
/// so does an allowance that is no longer needed, so that what was won stays won. COMET_ACCEPT_RATCHET=1 writes the lower counts.
/// </summary>
internal sealed class TidyRatchet(IReadOnlyDictionary<(string Rule, string File), int> allowed)
{
    public const string HardFileRule = "file-hard";
    public const string AcceptVariable = "COMET_ACCEPT_RATCHET";
    public const string FilePath = "tests/Comet.Conventions.Tests/Tidy/ratchet.txt";

    /// <summary>Reads lines of "rule count path"; empty lines and lines that begin with '#' are skipped.</summary>
    public static TidyRatchet Parse(string text)
    {
        var allowed = new Dictionary<(string, string), int>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (line.StartsWith('#'))
                continue;

            var parts = line.Split(' ', 3);
            if (parts.Length != 3 || !int.TryParse(parts[1], out var count) || parts[0] == HardFileRule)
                throw new FormatException($"'{line}' in {FilePath} is not 'rule count path' of a rule that may be ratcheted.");
            allowed[(parts[0], parts[2])] = count;
        }

        return new TidyRatchet(allowed);
    }

    /// <summary>The findings that are not allowed for, and one finding for every allowance that is larger than what is left.</summary>
    public IEnumerable<Finding> Apply(IReadOnlyList<Finding> findings)
    {
        var counts = Count(findings);
        foreach (var finding in findings)
        {
            var key = (finding.Rule, finding.File);
            if (counts[key] > allowed.GetValueOrDefault(key))
                yield return finding;
        }

        foreach (var (key, count) in allowed)
        {
            var left = counts.GetValueOrDefault(key);
            if (left < count)
            {
                yield return new Finding(key.Rule, key.File, 0,
                    $"{left} left where {FilePath} allows {count}: well done. Lower it, or run once with {AcceptVariable}=1.");
            }
        }
    }

    /// <summary>The text of the ratchet with every count at what is left now; nothing is ever added or raised.</summary>
    public string Lowered(IReadOnlyList<Finding> findings)
    {
        var counts = Count(findings);
        var lines = allowed
            .Select(entry => (entry.Key, Count: Math.Min(entry.Value, counts.GetValueOrDefault(entry.Key))))
            .Where(entry => entry.Count > 0)
            .OrderBy(entry => entry.Key.File, StringComparer.Ordinal).ThenBy(entry => entry.Key.Rule, StringComparer.Ordinal)
            .Select(entry => $"{entry.Key.Rule} {entry.Count} {entry.Key.File}\n");
        return "# rule count path: what is still untidy, per file. Counts only fall.\n" + string.Concat(lines);
    }

    private static Dictionary<(string, string), int> Count(IEnumerable<Finding> findings) =>
        findings.CountBy(finding => (finding.Rule, finding.File)).ToDictionary();
}
