using System.Text.RegularExpressions;

namespace Comet.Conventions.Tests.Documents;

/// <summary>docs/features.md has a row for each feature and each fault of the list, and the row names a test or says that the feature is
/// not in this release.</summary>
internal static partial class FeatureRules
{
    public const string FilePath = "docs/features.md";

    private const string NotYet = "Not in this release";

    /// <summary>What the release is about: the semantics (C11 to C24, C28 to C32), and every fault.</summary>
    public static IReadOnlyList<string> Rows { get; } =
    [
        .. Enumerable.Range(11, 14).Concat(Enumerable.Range(28, 5)).Select(static n => $"C{n}"),
        .. Enumerable.Range(1, 23).Select(static n => $"A{n}"),
    ];

    public static IEnumerable<Finding> Check(string text, IEnumerable<string> rows)
    {
        var found = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (index, line) in text.ReplaceLineEndings("\n").Split('\n').Index())
        {
            var names = RowPattern().Match(line).Groups["name"].Captures.Select(static c => c.Value).ToList();
            foreach (var name in names)
                found.TryAdd(name, index + 1);
            if (names.Count > 0 && !line.Contains(NotYet, StringComparison.Ordinal) && !TestPattern().IsMatch(line))
                yield return new Finding("features", FilePath, index + 1, $"The row of {names[0]} names no test as `ClassTests.Method`.");
        }
        foreach (var row in rows.Where(row => !found.ContainsKey(row)))
            yield return new Finding("features", FilePath, 0, $"There is no row for {row}.");
    }

    [GeneratedRegex(@"^\| (?<name>[CA]\d+)(?:, (?<name>[CA]\d+))* ")]
    private static partial Regex RowPattern();

    [GeneratedRegex(@"`(?:[A-Z]\w*\.)*[A-Z]\w*Tests\.[A-Z]\w*")]
    private static partial Regex TestPattern();
}
