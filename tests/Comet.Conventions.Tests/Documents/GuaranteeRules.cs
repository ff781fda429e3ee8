using System.Text.RegularExpressions;

namespace Comet.Conventions.Tests.Documents;

/// <summary>A promise in docs/guarantees.md names the test that would fail if it broke; that test must be there.</summary>
internal static partial class GuaranteeRules
{
    public const string FilePath = "docs/guarantees.md";

    public static IEnumerable<Finding> Check(string text, TestIndex tests)
    {
        var named = 0;
        foreach (var (index, line) in text.ReplaceLineEndings("\n").Split('\n').Index())
        {
            if (!line.TrimStart().StartsWith('|'))
                continue;

            foreach (Match match in TestPattern().Matches(line))
            {
                named++;
                var (type, method) = (match.Groups["type"].Value, match.Groups["method"].Value);
                if (!tests.Has(type, method))
                {
                    yield return new Finding("guarantees", FilePath, index + 1,
                        $"`{type}.{method}` is no test in tests/: write it, or name the one that holds this promise.");
                }
            }
        }

        if (named == 0)
        {
            yield return new Finding("guarantees", FilePath, 0,
                "No row of a table names a test as `Class.Method`: a promise without a test is a hope.");
        }
    }

    /// <summary>In other documents what is named like a test must be one; nothing has to be.</summary>
    public static IEnumerable<Finding> CheckNamed(string path, string text, TestIndex tests) =>
        from line in text.ReplaceLineEndings("\n").Split('\n').Index()
        from Match match in NamedTestPattern().Matches(line.Item)
        let name = (Type: match.Groups["type"].Value, Method: match.Groups["method"].Value)
        where !tests.Has(name.Type, name.Method)
        select new Finding("documents", path, line.Index + 1, $"`{name.Type}.{name.Method}` is no test in tests/.");

    // `Comet.Something` is a package; a test is a class and a method, perhaps with its namespace before them.
    [GeneratedRegex(@"`(?!Comet\.[A-Z]\w*`)(?:[A-Z]\w*\.)*(?<type>[A-Z]\w*)\.(?<method>[A-Z]\w*)(?:\([^`]*\))?`")]
    private static partial Regex TestPattern();

    [GeneratedRegex(@"`(?:[A-Z]\w*\.)*(?<type>[A-Z]\w*Tests)\.(?<method>[A-Z]\w*)(?:\([^`]*\))?`")]
    private static partial Regex NamedTestPattern();
}
